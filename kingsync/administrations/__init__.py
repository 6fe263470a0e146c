"""Switching a tenant to another King administration, and what is still open in the one it leaves."""
