"""Tests of kingsync/web/figures."""
