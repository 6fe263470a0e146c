"""The API: /api/v1/. Loaded by the web server at the first request to it; docs/api.md, docs/decisions/0044-api.md."""
