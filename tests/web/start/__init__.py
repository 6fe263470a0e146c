"""Tests of kingsync/web/start."""
