"""King's master data to OutSmart: read, compare, ask where too much would change, post, save."""
