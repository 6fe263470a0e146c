"""Tests of kingsync/rules."""
