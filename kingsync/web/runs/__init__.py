"""Runs and their log."""
