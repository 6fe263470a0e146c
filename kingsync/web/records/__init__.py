"""Imported records, the change limit, and King's files."""
