"""Django finds the admin through this file; everybody else imports the module of the subject."""

from kingsync.admin import connections, king_files, people, records, runs, settings, tenants, work_orders

__all__ = ["connections", "king_files", "people", "records", "runs", "settings", "tenants", "work_orders"]
