"""King's web services as a sandbox."""
