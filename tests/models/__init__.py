"""Tests of kingsync/models and the tenant file."""
