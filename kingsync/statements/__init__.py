"""Statements: what became of every work order of a month, agreement with both systems, and signing it off."""
