"""Tests of kingsync/imports."""
