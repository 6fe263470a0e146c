"""Work orders to King, each exactly once: the run, its steps, the ledger, and what a dry run tells of them."""
