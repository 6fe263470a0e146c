"""A busy installation company, made by real runs against both sandboxes, to look at the pages with."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from kingsync.accounts import invitations
from kingsync.imports.files import store
from kingsync.manual_actions import actions
from kingsync.models import tenants
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.connections import System
from kingsync.models.king_files import KingFile
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import MailMode, SyncSettings
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState, WorkOrder
from sandboxes import vocabulary
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.conftest import connect

SAMPLES = Path(__file__).parents[2] / "samples"
HISTORY_DAYS = 30
LONG_NAME = "Een zeer lange klantnaam van een vereniging van eigenaren"
KEY = "3132333435363738393031323334353637383930"


@dataclass(frozen=True)
class Company:
    """`busy` has some of everything, `new` has done nothing yet, `troubled` cannot reach King."""

    busy: Tenant
    new: Tenant
    troubled: Tenant
    people: dict[str, User]
    invitation: str


@contextmanager
def in_full_swing(newest_mail: Callable[[], str]) -> Iterator[Company]:
    """Create the three tenants, with sandboxes for the block; `newest_mail` returns the text of the last e-mail."""
    with KingSandbox(records=60) as king, OutSmartSandbox(work_orders=45) as outsmart:
        busy = factories.tenant(slug="jansen", name="Jansen Installatietechniek B.V.")
        staff = _people(busy)
        with tenants.scope(busy):
            connect(busy, king, outsmart)
            _simulate_a_month(busy, staff["owner"], king, outsmart)
        new = factories.tenant(slug="bakker", name="Bakker Klimaattechniek")
        staff["newcomer"] = factories.member(new, Role.OWNER, name="Sanne Bakker")
        troubled = _troubled(staff["owner"])
        invitations.invite(busy, email="monteur@jansen.example", role=Role.EDITOR, by=staff["owner"])
        secret = newest_mail().partition("/invitation/")[2].partition("/")[0]
        yield Company(busy, new, troubled, staff, secret)


def _people(of: Tenant) -> dict[str, User]:
    found = {
        "owner": factories.member(of, Role.OWNER, name="Anneke Jansen"),
        "editor": factories.member(of, Role.EDITOR, name="Piet de Wit"),
        "viewer": factories.member(of, Role.VIEWER, name="Kees Mulder"),
        "operator": factories.operator(name="Beheer"),
    }
    Authenticator.objects.create(user=found["viewer"], secret={"key": KEY}, confirmed=True)
    invitations.invite(of, email="boekhouding@jansen.example", role=Role.VIEWER, by=found["owner"])
    return found


def _simulate_a_month(tenant: Tenant, owner: User, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    _history(tenant)
    _choose(tenant, owner)
    scenario.load()
    _export_twice(king, outsmart)
    _change_afterwards(king, outsmart)
    _exclude(owner)
    _refuse_records(king, outsmart)
    _trip_the_change_limit(king)
    _fail(king)
    _bring_files(tenant, owner)
    scenario.load("customers", "products", dry_run=True)
    scenario.work_order(outsmart, **_visit("Onderhoud warmtepomp", "11003"))
    scenario.export(dry_run=True)
    row = WorkOrder.objects.filter(state=LedgerState.INCOMPLETE).order_by("id")[0]
    scenario.export(dry_run=True, work_orders=[row.outsmart_id])


def _history(tenant: Tenant) -> None:
    """Store the results of earlier exports, for a month of history."""
    chance, now = random.Random(1), timezone.now()
    for days in range(HISTORY_DAYS, 0, -1):
        at = (now - datetime.timedelta(days=days)).replace(hour=16, minute=chance.randrange(60))
        number = chance.randrange(4, 14) if at.weekday() < 5 else chance.randrange(2)
        rejected = chance.choice((0, 0, 0, 1, 2))
        _past_run(tenant, at, number, rejected)
        for _ in range(number):
            _past_work_order(tenant, at, chance)


def _past_run(tenant: Tenant, at: datetime.datetime, number: int, rejected: int) -> None:
    ended = at + datetime.timedelta(seconds=2 * number + 3)
    counts = {"read_count": number + rejected, "created_count": number, "rejected_count": rejected}
    status = RunStatus.PARTLY if rejected else RunStatus.SUCCEEDED
    row = factories.run(tenant, RunKind.EXPORT, status, started_at=at, finished_at=ended, **counts)
    SyncRun.objects.filter(pk=row.pk).update(queued_at=at)


def _past_work_order(tenant: Tenant, at: datetime.datetime, chance: random.Random) -> None:
    name = chance.choice(vocabulary.CUSTOMERS).format(chance.choice(vocabulary.FAMILY_NAMES))
    number = 20250900 + WorkOrder.objects.count()
    factories.work_order(
        tenant,
        order_number=f"2025.{number - 20250000}",
        customer_name=name.replace("[]", chance.choice(vocabulary.GROWING)),
        work_date=at.date(),
        state=LedgerState.DONE,
        king_order_number=str(number),
        exported_at=at,
        confirmed_at=at,
        verified_at=timezone.now(),
        changed_at=at,
    )


def _choose(tenant: Tenant, owner: User) -> None:
    """Save settings three times."""
    columns = {"orders_enabled": True, "success_status": "10", "failure_status": "99", "schedule_enabled": True}
    row = factories.settings(tenant, notification_mode=MailMode.EACH, notification_emails=[owner.email], **columns)
    row.hour_rounding = 30
    row.extra_text_line_1 = "Werkbon {order_number} van {work_date}"
    row.store(by=owner)
    row = SyncSettings.objects.get(tenant=tenant)
    row.hour_rounding = 15
    row.default_warehouse = "2"
    row.extra_text_line_2 = "Klant {customer_name}, {customer_city}"
    row.store(by=owner)


def _export_twice(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    """Export twice; in between someone has an order open in King and an answer is lost."""
    visit = _visit("Lekkage badkamer", "11004", Workperiods=[scenario.period("00:50")])
    scenario.work_order(outsmart, **visit | {"CustomerName": LONG_NAME})
    king.faults.add(Fault(kind="lock_by_user", operation="Order_Goedkeuren"))
    scenario.export()
    scenario.export()


def _visit(short: str, debtor: str, **fields: object) -> dict[str, object]:
    return {
        "ShortWorkDescription": short,
        "CustomerDebtorNr": debtor,
        "CustomerDebtorNrInvoice": debtor,
        "CustomerName": "Familie Van Dijk",
        "Materials": [scenario.material("KOGEL-15", "2"), scenario.material("KNIE-CU15", "4")],
    } | fields


def _change_afterwards(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    """Let the office change two exported work orders, one for a new export, and King's staff an imported order."""
    row, other = WorkOrder.objects.filter(state=LedgerState.DONE, source__gt="").order_by("id")[:2]
    told = scenario.work_order_in_outsmart(outsmart, other.outsmart_id)
    outsmart.store.load_work_orders([told | {"Materials": [*told["Materials"], scenario.material("KNIE-CU15", "8")]}])
    WorkOrder.objects.filter(pk=other.pk).update(verified_at=None)
    told = scenario.work_order_in_outsmart(outsmart, row.outsmart_id)
    materials = [*told["Materials"], scenario.material("KOGEL-15", "3")]
    outsmart.store.load_work_orders(
        [
            told
            | {"Materials": materials, "status": "Compleet", "WorkStatus": "1", "MutationDate": "2026-11-20 09:12:00"}
        ]
    )
    scenario.export()
    order = next(each for each in scenario.orders(king, ours=False) if not each["ExternOrderNummer"])
    king.store.edit_order(int(order["OrderNummer"]), Edit(header={"Referentie": "Spoed"}))
    scenario.load("orders")


def _exclude(owner: User) -> None:
    row = WorkOrder.objects.filter(state=LedgerState.INCOMPLETE).order_by("-id")[0]
    actions.exclude(work_orders=[row], by=owner, reason="Valt onder de garantie")


def _refuse_records(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    """Give King records that OutSmart refuses."""
    for number, name in (("11002", "Installatiebedrijf De Haan"), ("11005", "Vereniging van Eigenaren De Linde")):
        king.store.put_record("debtor", number, {"Naam1": name})
    outsmart.faults.add(Fault(kind="refuse", operation="POST relations", times=3, code="1013", message="Invalid email"))
    scenario.load("customers")


def _trip_the_change_limit(king: KingSandbox) -> None:
    for row in king.store.records("article")[:40]:
        king.store.put_record("article", str(row.number), {"VerkoopPrijsExclBtw": 99.5})
    scenario.load("products")


def _bring_files(tenant: Tenant, owner: User) -> None:
    """Keep two files for the next import, beside one that could not be read and one that was."""
    for name in ("king-artikelen.xml", "king-debiteuren.xml"):
        copy = store.uploads_folder() / f"copy-{name}"
        copy.write_bytes((SAMPLES / name).read_bytes())
        store.keep(copy, name, by=owner)
    broken = "debiteuren-2026-11.xml"
    reason = {"code": "system.file_broken", "params": {"operation": broken, "detail": "1204"}}
    made = {"name": broken, "document": "KING_DEBITEUREN", "reason": reason}
    factories.king_file(tenant, state=KingFile.State.FAILED, **made)
    factories.king_file(tenant, state=KingFile.State.READ, record_count=12345)


def _fail(king: KingSandbox) -> None:
    """Let one import fail halfway: King answers with an error page."""
    king.faults.add(Fault(kind="http_500", operation="*", times="forever"))
    scenario.load("products")
    king.faults.clear()


def _troubled(owner: User) -> Tenant:
    """Create a tenant whose King refuses the access code during an import."""
    made = factories.tenant(slug="visser", name="Visser Sanitair & Verwarming")
    made.memberships.create(user=owner, role=Role.OWNER)
    with tenants.scope(made):
        factories.settings(made, schedule_enabled=True)
        factories.connection(made, System.OUTSMART, base_url="https://outsmart.example/openapi/8")
        king = factories.connection(made, System.KING, base_url="https://king.example:8082")
        king.pause({"code": "system.authentication", "params": {"system": "King", "operation": "Debiteuren_Opvragen"}})
        counts = {"read_count": 40, "created_count": 31, "unchanged_count": 9}
        progress = {"progress_kind": "products", "progress_done": 40, "progress_total": 120, **counts}
        factories.run(made, RunKind.IMPORT, RunStatus.RUNNING, heartbeat_at=timezone.now(), **progress)
    return made
