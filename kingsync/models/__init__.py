"""Let Django find the models; all other code imports the module it needs."""

from kingsync.models import (
    administrations,
    background_calls,
    change_limit_trips,
    connections,
    king_files,
    links,
    order_links,
    people,
    restores,
    runs,
    sync_settings,
    tenants,
    turns,
    users,
    verification,
    work_orders,
)

__all__ = [
    "administrations",
    "background_calls",
    "change_limit_trips",
    "connections",
    "king_files",
    "links",
    "order_links",
    "people",
    "restores",
    "runs",
    "sync_settings",
    "tenants",
    "turns",
    "users",
    "verification",
    "work_orders",
]
