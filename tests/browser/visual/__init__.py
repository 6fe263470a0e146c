"""A picture of every page."""
