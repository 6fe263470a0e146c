"""Tests of kingsync/statements."""
