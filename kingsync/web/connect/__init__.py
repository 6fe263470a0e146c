"""The pages on which an owner makes and revokes API tokens, and enters webhooks."""
