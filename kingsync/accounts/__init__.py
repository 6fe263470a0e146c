"""Users and the tenants that they work for."""
