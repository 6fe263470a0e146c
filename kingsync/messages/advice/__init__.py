"""What to do about each message: one answer per code, for the help pages and for the page of a work order."""
