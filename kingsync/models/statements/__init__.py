"""Statements of a month that someone signed, and the work orders in them."""
