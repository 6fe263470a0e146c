"""Tests of kingsync/web/work_orders/order_page."""
