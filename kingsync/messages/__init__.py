"""All sentences for users, by their codes."""
