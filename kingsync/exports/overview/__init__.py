"""What pages and e-mails tell of the ledger: how many are in which state, what stops them, what only OutSmart has."""
