"""Rows for tests, with sensible defaults: a test specifies only what it is about."""

from __future__ import annotations

import datetime
import functools
import itertools
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.api import tokens
from kingsync.models.api.tokens import ApiToken, Scope
from kingsync.models.api.webhooks import Event, Webhook, WebhookDelivery
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.order_links import OrderLink
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Membership, Role, Tenant, TenantOwned
from kingsync.models.users import User
from kingsync.models.work_orders import OrderLine, WorkOrder

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)

# What no page, log or message may ever show.
SECRETS: dict[str, dict[str, Any]] = {
    System.OUTSMART: {
        "token": "tok-7f3a-outsmart",
        "software_token": "soft-91bc-outsmart",
        "bearer_token": "bear-55de-outsmart",
    },
    System.KING: {"access_code": "code-2468-king", "access_codes": {"Order_Toevoegen": "code-1357-king"}},
}


def tenant(**fields: Any) -> Tenant:
    number = next(_numbers)
    return Tenant.objects.create(**({"slug": f"tenant-{number}", "name": f"Tenant {number} B.V."} | fields))


def address(name: str) -> str:
    """Return the e-mail address with which a user of this name logs in."""
    return f"{name.partition(' ')[0].lower()}@jansen.example"


def user(name: str = "", **fields: Any) -> User:
    """Make a user who can log in with `PASSWORD`."""
    email = address(name or f"user{next(_numbers)}")
    row = User(**({"name": name, "email": email, "password": _hashed(PASSWORD)} | fields))
    row.save()
    return row


@functools.cache
def _hashed(password: str) -> str:
    # Hashing is slow on purpose: once is enough for all tests.
    return make_password(password)


def operator(**fields: Any) -> User:
    return user(**({"is_superuser": True, "is_staff": True} | fields))


def member(of: Tenant, role: Role = Role.VIEWER, **fields: Any) -> User:
    """Make a user with a role at a tenant."""
    person = user(**fields)
    Membership.objects.create(tenant=of, user=person, role=role)
    return person


def _save(row: TenantOwned) -> None:
    with tenants.scope(row.tenant_id):  # a test in the scope of one tenant makes rows of others too
        row.save()


def connection(of: Tenant, system: System = System.KING, **fields: Any) -> Connection:
    """Make a connection to loopback, with the credentials of `SECRETS`."""
    defaults: dict[str, Any] = {"base_url": "http://127.0.0.1:9", "credentials": SECRETS[system]}
    if system == System.KING:
        defaults |= {"administration": "DEMO", "busy_codes": ["LOCK"]}
    row = Connection(tenant=of, system=system, **(defaults | fields))
    _save(row)
    return row


def settings(of: Tenant, **columns: Any) -> SyncSettings:
    """Make the tenant's settings, stored as version 1, with exports and all four imports on."""
    defaults = dict.fromkeys(
        ("export_orders", "customers_enabled", "products_enabled", "hour_types_enabled", "warehouses_enabled"), True
    )
    row = SyncSettings(tenant=of, **(defaults | columns))
    with tenants.scope(of):
        row.store(by=None)
    return row


def run(of: Tenant, kind: RunKind = RunKind.EXPORT, status: RunStatus = RunStatus.SUCCEEDED, **fields: Any) -> SyncRun:
    """Make a run that was started by the schedule just now, and is over when its status says so."""
    now = timezone.now()
    defaults: dict[str, Any] = {"trigger": SyncRun.Trigger.SCHEDULE, "settings_version": 1}
    if status != RunStatus.QUEUED:
        defaults["started_at"] = now
    if status in SyncRun.FINAL:
        defaults["finished_at"] = now
    row = SyncRun(tenant=of, kind=kind, status=status, **(defaults | fields))
    _save(row)
    return row


def background_call(of: Tenant, *, by: User, **fields: Any) -> BackgroundCall:
    """Make a connection test of King that was requested just now and ended well."""
    now = timezone.now()
    defaults: dict[str, Any] = {
        "kind": BackgroundCall.Kind.TEST,
        "state": BackgroundCall.State.ENDED,
        "parameters": {"system": System.KING},
        "result": {"problem": None},
        "requested_at": now,
        "expires_at": now + datetime.timedelta(minutes=1),
    }
    row = BackgroundCall(tenant=of, requested_by=by, **(defaults | fields))
    _save(row)
    return row


def log_entry(of: SyncRun, **fields: Any) -> LogEntry:
    defaults = {"at": timezone.now(), "level": LogEntry.Level.INFO, "event": "order.created"}
    row = LogEntry(tenant_id=of.tenant_id, **({"run": of} | defaults | fields))
    _save(row)
    return row


def work_order(of: Tenant, **fields: Any) -> WorkOrder:
    number = next(_numbers)
    defaults = {"outsmart_id": str(90000 + number), "order_number": f"WB{number:05}", "customer_name": "De Boer"}
    row = WorkOrder(tenant=of, **(defaults | fields))
    _save(row)
    if row.king_order_number:
        link = {"king_order_number": row.king_order_number, "is_created_by_us": row.is_created_by_us}
        _save(OrderLink(tenant=of, administration_id=row.administration_id, work_order=row, part=row.part, **link))
    return row


def order_line(of: WorkOrder, **fields: Any) -> OrderLine:
    number = next(_numbers)
    defaults = {
        "reference": f"{number}",
        "key": f"material:{number}",
        "kind": OrderLine.Kind.MATERIAL,
        "source": f"A{number}",
    }
    row = OrderLine(tenant_id=of.tenant_id, work_order=of, **(defaults | fields))
    _save(row)
    return row


def record_link(of: Tenant, **fields: Any) -> RecordLink:
    """Make a record of King's that could not be sent."""
    number = f"R{next(_numbers):05}"
    defaults = {
        "kind": RecordKind.CUSTOMER,
        "king_id": number,
        "outsmart_id": number,
        "state": RecordLink.State.REJECTED,
    }
    row = RecordLink(tenant=of, **(defaults | fields))
    _save(row)
    return row


def king_file(of: Tenant, **fields: Any) -> KingFile:
    """Make an uploaded file that waits, without content."""
    number = next(_numbers)
    defaults = {
        "name": f"artikelen-{number}.xml",
        "path": f"{of.slug}/uploads/{number}.xml",
        "size": 1000,
        "digest": f"{number:064}",
        "document": "KING_ARTIKELEN",
    }
    row = KingFile(tenant=of, **(defaults | fields))
    _save(row)
    return row


def trip(of: Tenant, **fields: Any) -> ChangeLimitTrip:
    """Make a tripped change limit that waits for approval."""
    defaults = {"kind": "customers", "known_count": 400, "changed_count": 60, "deactivated_count": 9}
    row = ChangeLimitTrip(tenant=of, **(defaults | fields))
    _save(row)
    return row


def api_token(of: Tenant, *scopes: str, **fields: Any) -> str:
    """Return the text of a new token of the tenant; without scopes it has all."""
    text = f"{tokens.START}{next(_numbers)}-{of.slug}"
    usual = {"name": "BI", "start": text[:9], "digest": tokens.hash_of(text), "scopes": list(scopes or Scope.values)}
    _save(ApiToken(tenant=of, **usual | fields))
    return text


def webhook(of: Tenant, address: str = "https://hooks.example/in", **fields: Any) -> Webhook:
    usual = {"host": "hooks.example", "events": [Event.ATTENTION, Event.RUN_ENDED, Event.MONTH_SIGNED]}
    row = Webhook(tenant=of, target={"address": address, "secret": "whsec_test"}, **usual | fields)
    _save(row)
    return row


def webhook_delivery(of: Webhook, event: Event = Event.TEST, **fields: Any) -> WebhookDelivery:
    usual = {"give_up_at": timezone.now() + datetime.timedelta(days=1)}
    row = WebhookDelivery(tenant=of.tenant, webhook=of, event=event, **usual | fields)
    _save(row)
    return row
