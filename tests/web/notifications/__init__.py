"""Tests of kingsync/web/notifications."""
