"""Switch a tenant to another King administration, or back to a former one (docs/decisions/0021)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from kingsync.imports import record_links
from kingsync.messages.reason_texts import stored
from kingsync.models import administrations, tenants
from kingsync.models.administrations import AdministrationSwitch
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Administration, Tenant, administration_key
from kingsync.rules.outcomes import reason
from kingsync.runs import lease
from kingsync.runs.refusals import RefusedError

if TYPE_CHECKING:
    from kingsync.models.users import User

PATIENCE_SECONDS = 1.0


class SwitchRefusedError(RefusedError):
    """The tenant stays in its present administration, and nothing was changed."""


def to_connection(connection: Connection, *, from_date: datetime.date | None, by: User) -> None:
    """Switch to the administration that a connection to King names, and store the connection.

    `from_date`: work that was finished before it is held. Raises `SwitchRefusedError`.
    """
    with switching(connection.administration, by=by):
        connection.state, connection.paused_reason = Connection.State.ACTIVE, {}
        connection.save()
        settings = SyncSettings.objects.first()
        if settings is not None:
            settings.export_from_date = from_date
            settings.store(by=by)


@contextmanager
def switching(name: str, *, by: User | None = None) -> Iterator[None]:
    """Switch the current tenant to the administration of this name; the block stores King's connection in its scope.

    All in one transaction. Raises `SwitchRefusedError`, also while a run of the tenant is open.
    """
    with _no_worker(), transaction.atomic():
        tenant = Tenant.objects.select_for_update().get(pk=tenants.current_id())
        _require_no_open_run()
        before, after = tenant.administration, _wanted(tenant, name)
        tenant.administration = after
        tenant.save(update_fields=["administration"])
        with tenants.scope(tenant):
            yield
            _refuse_waiting_files()
            record_links.take_over_what_outsmart_has()
            who = by.display_name if by else ""
            AdministrationSwitch(before=before, after=after, switched_by=by, switched_by_name=who).save()
            _record(before, after, by)


def _record(before: Administration | None, after: Administration, by: User | None) -> None:
    old, new = ({"administration": each.name if each else ""} for each in (before, after))
    trail.record(Action.ADMINISTRATION_SWITCHED, tenant=after.tenant_id, before=old, after=new, by=by)


@contextmanager
def _no_worker() -> Iterator[None]:
    """Keep every worker of the tenant out; one whose run was ended may still be at work."""
    with ExitStack() as stack:
        for kind in RunKind:
            lock = lease.worker_lock(tenants.current_id(), kind, patience_seconds=PATIENCE_SECONDS)
            if not stack.enter_context(lock):
                raise SwitchRefusedError(reason("switch.run_open"))
        yield


def _require_no_open_run() -> None:
    # The lock on the tenant's row keeps new ones out until the switch is stored.
    if SyncRun.objects.filter(status__in=SyncRun.OPEN).exists():
        raise SwitchRefusedError(reason("switch.run_open"))


def _wanted(tenant: Tenant, name: str) -> Administration:
    key = administration_key(name)
    if not key:
        raise SwitchRefusedError(reason("switch.name_needed"))
    if tenant.administration and tenant.administration.key == key:
        raise SwitchRefusedError(reason("switch.same", name=name.strip()))
    present = tenant.administration.name if tenant.administration else ""
    if not administrations.is_switch(present, name):
        raise SwitchRefusedError(reason("switch.not_linked"))
    return Administration.objects.get_or_create(tenant=tenant, key=key, defaults={"name": name.strip()})[0]


def _refuse_waiting_files() -> None:
    """Take King's files that wait for an import out of the queue: they are of the other administration."""
    waiting = KingFile.objects.filter(state=KingFile.State.NEW)
    why = stored(reason("file_of_former_administration"))
    waiting.update(state=KingFile.State.FAILED, reason=why, read_at=timezone.now())


def switches() -> list[AdministrationSwitch]:
    """Return every switch of the current tenant, newest first."""
    return list(AdministrationSwitch.objects.select_related("before", "after").order_by("-pk"))


def present_name() -> str:
    """Return the name that King's connection gives the present administration."""
    king = Connection.objects.filter(system=System.KING).defer("credentials").first()
    return king.administration if king else ""
