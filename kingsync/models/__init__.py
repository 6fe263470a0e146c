"""Let Django find the models; all other code imports the module it needs."""

from kingsync.models import (
    administrations,
    background_calls,
    change_limit_trips,
    connections,
    heartbeats,
    king_files,
    ledger_counts,
    links,
    notifications,
    order_links,
    restores,
    runs,
    sync_settings,
    tenants,
    turns,
    users,
    verification,
    work_orders,
)
from kingsync.models.accounts import invitations, login_sessions, login_tries, passkeys, saved_views, second_steps
from kingsync.models.api import tokens as api_tokens
from kingsync.models.api import webhooks
from kingsync.models.audit import entries as audit_entries
from kingsync.models.statements import signed as signed_statements
from kingsync.models.watch import tallies

__all__ = [
    "administrations",
    "api_tokens",
    "audit_entries",
    "background_calls",
    "change_limit_trips",
    "connections",
    "heartbeats",
    "invitations",
    "king_files",
    "ledger_counts",
    "links",
    "login_sessions",
    "login_tries",
    "notifications",
    "order_links",
    "passkeys",
    "restores",
    "runs",
    "saved_views",
    "second_steps",
    "signed_statements",
    "sync_settings",
    "tallies",
    "tenants",
    "turns",
    "users",
    "verification",
    "webhooks",
    "work_orders",
]
