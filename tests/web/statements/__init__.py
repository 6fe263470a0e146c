"""Tests of kingsync/web/statements."""
