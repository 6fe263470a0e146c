"""The settings of a tenant and its connections."""
