"""Django finds the models through this file; everybody else imports the module of the subject."""

from kingsync.models import connections, links, runs, sync_settings, tenants, work_orders

__all__ = ["connections", "links", "runs", "sync_settings", "tenants", "work_orders"]
