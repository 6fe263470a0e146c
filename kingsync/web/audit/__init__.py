"""The audit trail for owners: its page, its files, and who is behind a request."""
