"""Our PostgreSQL backend: Django's, with a wall between tenants."""
