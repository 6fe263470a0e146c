"""Tests of kingsync/server."""
