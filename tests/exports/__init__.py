"""Tests of kingsync/exports."""
