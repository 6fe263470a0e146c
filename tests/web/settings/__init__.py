"""Tests of kingsync/web/settings."""
