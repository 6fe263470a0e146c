"""The ledger: its list, one work order, and what people decide there."""
