"""Django finds the models through this file; everybody else imports the module of the subject."""

from kingsync.models import (
    background_calls,
    brakes,
    connections,
    king_files,
    links,
    people,
    restores,
    runs,
    sync_settings,
    tenants,
    turns,
    users,
    work_orders,
)

__all__ = [
    "background_calls",
    "brakes",
    "connections",
    "king_files",
    "links",
    "people",
    "restores",
    "runs",
    "sync_settings",
    "tenants",
    "turns",
    "users",
    "work_orders",
]
