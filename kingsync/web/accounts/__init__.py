"""Login, one's own account, and a tenant's members."""
