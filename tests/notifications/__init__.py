"""Tests of kingsync/notifications."""
