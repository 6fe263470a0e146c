"""The work orders: list, details, and manual actions."""
