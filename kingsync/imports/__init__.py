"""King's master data to OutSmart: read, compare, ask for approval if too much would change, post, save."""
