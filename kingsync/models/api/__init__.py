"""What the API and webhooks store."""
