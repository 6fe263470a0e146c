"""Stand-ins for both systems, as servers of their own."""
