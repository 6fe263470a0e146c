"""Pages about e-mail notifications: a user's own choice, unsubscribing, and addresses that were stopped."""
