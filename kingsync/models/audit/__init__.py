"""The audit trail: who did what, when, from where, and what it was before. Docs: docs/decisions/0026-audit-trail.md."""
