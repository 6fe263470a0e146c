"""Tests of kingsync/exports/overview."""
