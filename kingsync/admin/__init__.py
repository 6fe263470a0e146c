"""Let Django find the admin; all other code imports the module it needs."""

from kingsync.admin import audit, connections, king_files, people, records, runs, settings, tenants, work_orders

__all__ = ["audit", "connections", "king_files", "people", "records", "runs", "settings", "tenants", "work_orders"]
