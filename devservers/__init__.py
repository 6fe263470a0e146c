"""Embedded PostgreSQL and Valkey from wheels, and the demo's supervisor: for development, never in production."""
