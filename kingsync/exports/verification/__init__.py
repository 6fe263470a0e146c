"""Checking exported work orders again in both systems, long after the export."""
