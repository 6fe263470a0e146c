"""One tenant with both its systems, made again for every cell; what is in both systems and in our ledger in the end."""

from __future__ import annotations

import copy
import itertools
import logging
import shutil
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import transaction
from django.test import override_settings
from django.utils import translation

from kingsync.manual_actions import order_notices
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.links import RecordLink
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.runs import background_calls
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import conftest, factories, scenario
from tests.faults import certificates
from tests.faults.injector import Injector
from tests.faults.simulated_time import SimulatedTime

_slugs = itertools.count(1)
OUTSMART_KINDS = ("relations", "contactpersons", "addresses", "materials", "hourtypes", "warehouses", "workstatusses")
# What differs from one run to the next, whatever happens.
VOLATILE = {"row_id", "id", "CreationDate", "MutationDate", "mutation_date", "timestamp"}
Truth = dict[str, Any]


class World:
    """Both sandboxes with the injector in front of them, and the tenant of the current cell."""

    def __init__(self, king: KingSandbox, outsmart: OutSmartSandbox, time: SimulatedTime, injector: Injector) -> None:
        self.king, self.outsmart, self.time, self.injector = king, outsmart, time, injector
        self.tenant: Tenant
        self.user: User
        self.crashes: list[str] = []
        self._journal = ""

    @contextmanager
    def fresh(self, *, is_tls: bool, **settings: Any) -> Iterator[None]:
        """Provide an empty King with its master data, an empty OutSmart and a new tenant; undo all of it afterwards."""
        self.king.reset({"empty": True})
        self.outsmart.reset({"empty": True})
        self.king.faults.clear()
        with ExitStack() as stack:
            stack.enter_context(_rolled_back())
            stack.enter_context(self._own_journal())
            stack.enter_context(self._crashes_noted())
            self.tenant = factories.tenant(slug=f"cell-{next(_slugs)}")
            self.user = factories.member(self.tenant, Role.EDITOR, name=f"Cell {self.tenant.pk}")
            stack.enter_context(tenants.scope(self.tenant))
            stack.enter_context(translation.override("en"))
            self._connect(is_tls=is_tls)
            scenario.stock(self.king)
            factories.settings(self.tenant, **settings)
            yield

    @contextmanager
    def branch(self) -> Iterator[None]:
        """Undo what happens inside the block, in the database, in both systems, in the journal and on the clock."""
        kept = [(each, each.dump(), copy.deepcopy(each.faults.rules())) for each in (self.king, self.outsmart)]
        self.crashes.clear()
        with _rolled_back(), self.time.turned_back(), tempfile.TemporaryDirectory(prefix="kingsync-journal-") as before:
            shutil.copytree(self._journal, before, dirs_exist_ok=True)
            try:
                yield
            finally:
                for sandbox, content, faults in kept:
                    sandbox.load(content)
                    sandbox.calls.clear()
                    sandbox.faults.clear()
                    for fault in faults:
                        sandbox.faults.add(fault)
                shutil.rmtree(self._journal)
                shutil.copytree(before, self._journal)

    def _connect(self, *, is_tls: bool) -> None:
        conftest.connect(self.tenant, self.king, self.outsmart)
        if is_tls:
            for row in Connection.objects.all():
                row.base_url = row.base_url.replace(self._plain(row.system), self.injector.https(row.system))
                row.ca_certificate = self.injector.trusted
                row.save()

    def _plain(self, system: str) -> str:
        return self.king.address if system == System.KING else self.outsmart.address

    @contextmanager
    def _own_journal(self) -> Iterator[None]:
        self._journal = folder = tempfile.mkdtemp(prefix="kingsync-journal-")
        try:
            with override_settings(JOURNAL_FOLDER=folder):
                yield
        finally:
            shutil.rmtree(folder)

    @contextmanager
    def _crashes_noted(self) -> Iterator[None]:
        """Collect what is logged with a stack: an exception that nobody expected."""
        self.crashes = []
        handler = _Crashes(self.crashes)
        root = logging.getLogger()
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)

    # --- What is there ------------------------------------------------------------------------------------------------

    def truth(self) -> Truth:
        """Return what both systems have and what we know of it, without what differs each time."""
        store = self.outsmart.store
        return {
            "orders": [_order(each) for each in scenario.orders(self.king, ours=False)],
            "duplicates in King": {name: rows for name, rows in self.king.store.duplicates().items() if rows},
            "work orders": [_plain(each) for each in store.all_work_orders()],
            **{kind: [_plain(row) for row in store.rows(kind)] for kind in OUTSMART_KINDS},
            "ledger": [_ledger(row) for row in WorkOrder.objects.order_by("outsmart_id")],
            "records": sorted(RecordLink.objects.values_list("kind", "king_id", "state")),
            "paused": sorted(Connection.objects.exclude(state="active").values_list("system", flat=True)),
        }

    def duplicates(self) -> list[str]:
        """Return what is there twice, or locked; while a fault lasts an order may be locked, but never double."""
        found: dict[str, Any] = self.king.store.duplicates()
        return [f"double in King: {found[name]}" for name in ("orders", "lines") if found[name]] + [
            f"double in OutSmart: {rows}" for rows in self.outsmart.store.duplicates().values() if rows
        ]

    def said(self) -> list[str]:
        """Return the sentences that pages show about work orders and records, once each."""
        rows = WorkOrder.objects.order_by("pk")
        reasons = [why for row in rows for why in (*row.reasons, *map(stored, order_notices.of(row)))]
        reasons += [row.reason for row in RecordLink.objects.exclude(state="linked").order_by("pk")]
        return list(dict.fromkeys(filter(None, map(sentence, reasons))))


class _Crashes(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self._found.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


@contextmanager
def _rolled_back() -> Iterator[None]:
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def _plain(value: Any) -> Any:
    """Return a row of OutSmart without what differs each time, in the lists inside it too."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name not in VOLATILE}
    return value


def _order(order: dict[str, Any]) -> dict[str, Any]:
    flags = {name: order[name] for name in ("ExternOrderNummer", "Goedgekeurd", "VrijVoorLevering")}
    return {**flags, "lines": scenario.lines(order)}


def _ledger(row: WorkOrder) -> dict[str, Any]:
    lines = OrderLine.objects.filter(work_order=row).order_by("position", "id")
    return {
        "outsmart_id": row.outsmart_id,
        "state": row.state,
        "step": row.step,
        "is_linked": bool(row.king_order_number),
        "is_locked": row.is_locked,
        "is_approved": row.is_approved,
        "outcome_unknown": row.outcome_unknown_until is not None,
        "reasons": [why["code"] for why in row.reasons],
        "notices": [why["code"] for why in row.notices],
        "lines": [(line.kind, line.state) for line in lines if line.state != OrderLine.State.REMOVED],
    }


@contextmanager
def worlds(*, scale: int) -> Iterator[World]:
    """Provide both sandboxes behind the injector, with simulated time; `scale` divides the sizes of large answers."""
    with ExitStack() as stack:
        king = stack.enter_context(KingSandbox(empty=True))
        outsmart = stack.enter_context(OutSmartSandbox(empty=True))
        time = stack.enter_context(SimulatedTime().installed())
        injector = stack.enter_context(Injector(king, outsmart, time, certificates.made(), scale=scale).installed())
        pool, background_calls.pool = background_calls.pool, conftest.AtOnce()  # type: ignore[assignment]
        stack.callback(setattr, background_calls, "pool", pool)
        yield World(king, outsmart, time, injector)


@contextmanager
def peak_memory() -> Iterator[Callable[[], int]]:
    """Measure the most bytes that Python held inside the block, beyond what it held before."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
