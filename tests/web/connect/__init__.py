"""The pages of API tokens and webhooks."""
