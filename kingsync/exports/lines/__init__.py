"""The lines of work orders: what the ledger knows of them, and those found in King."""
