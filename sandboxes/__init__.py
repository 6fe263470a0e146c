"""Stand-ins for both systems, as separate servers."""
