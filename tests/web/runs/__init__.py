"""Tests of kingsync/web/runs."""
