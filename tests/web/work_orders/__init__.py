"""Tests of kingsync/web/work_orders."""
