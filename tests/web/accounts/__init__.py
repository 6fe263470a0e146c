"""Tests of kingsync/web/accounts."""
