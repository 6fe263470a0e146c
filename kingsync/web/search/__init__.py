"""The search over everything of a tenant: the palette on every page, and a page of its own."""
