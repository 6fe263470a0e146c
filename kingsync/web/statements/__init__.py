"""Statements: what became of every work order of a day or month, signing it, and the evidence as a file."""
