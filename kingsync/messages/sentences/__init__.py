"""The sentences of reasons, by their codes."""
