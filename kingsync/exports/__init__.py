"""Work orders to King, each exactly once: the run, its steps, the ledger, dry run and settings impact."""
