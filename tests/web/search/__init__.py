"""Tests of kingsync/web/records."""
