"""Tests of kingsync/manual_actions."""
