"""Tests of kingsync/web/shared."""
