"""Two companies with a row in every table of theirs, and texts that betray whose each row is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.accounts.saved_views import SavedView
from kingsync.models.administrations import AdministrationSwitch
from kingsync.models.api.tokens import ApiStart, ApiToken
from kingsync.models.change_limit_trips import StagedRecord
from kingsync.models.connections import System
from kingsync.models.links import Employee, ImportedLine, KingRecord, ReadState, WorkStatus
from kingsync.models.notifications import (
    NotificationChoice,
    ReportedFailure,
    ReportedWorkOrder,
    SentNotification,
    Silence,
    StoppedAddress,
)
from kingsync.models.restores import RestoreWatch
from kingsync.models.tenants import Administration, Role, Tenant
from kingsync.models.verification import VerificationDay
from kingsync.models.work_orders import ManualAction
from kingsync.runs.journal import Journal
from tests import factories
from tests.statements import months

MINE, THEIRS = "Zilverberg", "Goudappel"


def full(mark: str) -> Tenant:
    """Make a tenant with a row in every table, files and a journal; every text of it contains the mark."""
    tenant = factories.tenant(slug=mark.lower(), name=f"{mark} B.V.")
    owner = factories.member(tenant, Role.OWNER, name=f"{mark} Owner", email=f"owner@{mark.lower()}.example")
    with tenants.scope(tenant):
        _settings(tenant, mark)
        _work_orders(tenant, mark)
        months.signed(tenant, owner, remark=mark)
        _save(NotificationChoice(user=owner, mode="each", language="nl"))
        _master_data(tenant, mark)
        factories.background_call(tenant, by=owner, parameters={"name": mark})
        _connected(tenant, mark)
        Journal(mark).about_to_create(f"OS-{mark}")
    Invitation.objects.create(
        tenant=tenant, email=f"guest@{mark.lower()}.example", token_hash=f"hash-{mark}", expires_at=timezone.now()
    )
    return tenant


def _connected(tenant: Tenant, mark: str) -> None:
    """Make a token with which a run was started, and a webhook with a delivery."""
    factories.api_token(tenant, name=mark, digest=f"hash-{mark}")
    token, run = ApiToken.objects.get(), factories.run(tenant)
    _save(ApiStart(token=token, key_hash=f"hash-{mark}", fingerprint="f", run=run))
    webhook = factories.webhook(tenant, f"https://{mark.lower()}.example/in", host=f"{mark.lower()}.example")
    factories.webhook_delivery(webhook, data={"name": mark})


def king_file(tenant: Tenant, content: str) -> Path:
    """Put a file of King's into the tenant's folder."""
    path = Path(settings.KING_XML_FOLDER) / tenant.slug / "uploads" / "artikelen.xml"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return path


def _settings(tenant: Tenant, mark: str) -> None:
    factories.settings(tenant, notification_emails=[f"planner@{mark.lower()}.example"])
    for system in System:
        factories.connection(tenant, system, base_url=f"https://{mark.lower()}.example:8082")
    other = Administration.objects.create(tenant=tenant, name=f"{mark} old", key=f"{mark.lower()} old")
    present = Administration.objects.get(present_tenant=tenant)
    _save(AdministrationSwitch(before=other, after=present, switched_by_name=mark))
    _save(WorkStatus(code="1", name=mark), Employee(number="7", name=mark, read_at=timezone.now()))
    _save(VerificationDay(day=timezone.localdate(), calls=3), RestoreWatch(administration=mark))


def _work_orders(tenant: Tenant, mark: str) -> None:
    run = factories.run(tenant, dry_run_examples={"work_orders": [{"name": mark}]})
    factories.log_entry(run, detail={"call": {"body": mark}}, has_payload=True)
    source = f'{{"Name": "{mark}"}}'
    row = months.worked(tenant, customer_name=mark, source=source, king_order_number=f"K{mark}")
    factories.order_line(row, source=mark)
    _save(ManualAction(work_order=row, kind=ManualAction.Kind.RETRY, state_before="held", decided_by_name=mark))
    owner = tenant.memberships.get().user
    _save(SavedView(user=owner, name=mark, query=f"q={mark}"))
    _save(ReportedWorkOrder(work_order=row, fingerprint="f"))
    _save(SentNotification(mode="digest", covered_until=timezone.now(), recipients=[f"planner@{mark}.example"]))
    now = timezone.now()
    _save(StoppedAddress(address=f"gone@{mark.lower()}.example", kind="refused", since=now))
    _save(ReportedFailure(mode="each", kind=run.kind, since=now))
    _save(Silence(kind=Silence.Kind.NO_EXPORT, since=now, noticed_at=now))


def _master_data(tenant: Tenant, mark: str) -> None:
    factories.record_link(tenant, name=mark, sent=mark)
    factories.trip(tenant, records=[{"name": mark}])
    factories.king_file(tenant, name=f"{mark}.xml")
    run = factories.run(tenant)
    _save(StagedRecord(run=run, kind="customers", raw=mark.encode()))
    _save(KingRecord(kind=KingRecord.Kind.DEBTOR, number="1", name=mark), ReadState(purpose="mirror", kind="debtor"))
    _save(ImportedLine(king_order_number="1", king_line_id="1", key="k", label=mark, content={"name": mark}))


def _save(*rows: Any) -> None:
    for row in rows:
        row.save()


def in_another_session(statement: str) -> None:
    """Run a statement on a connection of its own, committed at once."""
    with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as session:
        session.execute(statement)
