"""PostgreSQL and Valkey out of wheels, and the demo's supervisor: for development, never in production."""
