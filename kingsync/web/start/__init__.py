"""The list of tenants, and a tenant's start page."""
