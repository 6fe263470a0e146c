"""E-mails to users: what to report, to whom and when."""
