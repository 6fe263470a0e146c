"""After a restore: compare the ledger with both systems and the journal, and write to none of them.

It names what the restored database does not know, and what it knows and the systems no longer show; the next export
brings most of it in order by itself (`kingsync.exports.restore_guard`). Lines are compared by `manage.py verify`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from django.db.models import QuerySet

from integrations.king.client import Client as KingClient
from integrations.king.records import Kind
from integrations.outsmart import payloads
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.exports.restore_guard import PAGE, is_begun, order_marks, was_reset
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.runs import RunKind
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.turns import Caller
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.rules import orders
from kingsync.rules.mapping import Exports
from kingsync.rules.outcomes import Reason, reason
from kingsync.rules.triggers import COMPLETE, HANDLED
from kingsync.runs import clients, journal, lease, refusals, wanted
from kingsync.runs.journal import Journal
from kingsync.runs.retry import with_retry

_PREFIX = orders.external_number("")
# The ledger has nothing left to do about these.
_NOTHING_SENT = (LedgerState.WAITING, LedgerState.REJECTED, LedgerState.HELD)


class Difference(msgspec.Struct, frozen=True):
    """One work order on which the ledger and the systems differ; `why` says what it is and what to do."""

    outsmart_id: str
    king_order_number: str
    why: Reason


class Compared(msgspec.Struct, kw_only=True):
    """What was compared, and how it differs; `error` is why it could not be."""

    ledger: int = 0
    king_orders: int = 0
    at_trigger: int = 0
    new_at_trigger: int = 0
    differences: list[Difference] = []
    error: Reason | None = None


def compare() -> Compared:
    """Compare the current tenant's ledger with King, OutSmart and the journal."""
    settings = SyncSettings.objects.select_related("tenant").first()
    if settings is not None and (why := wanted.why_nothing_runs(settings.tenant)):
        return Compared(error=why)
    with lease.worker_lock(tenants.current_id(), RunKind.EXPORT) as is_ours:
        if not is_ours:
            return Compared(error=reason("decision.export_going_on"))
        try:
            with clients.both(Caller.VERIFICATION) as (outsmart, king):
                choices = settings.as_mapping().exports if settings else Exports()
                return _Comparison(outsmart, king, choices).made()
        except refusals.REFUSALS as error:
            return Compared(error=refusals.why(error))


class _Comparison:
    def __init__(self, outsmart: OutSmartClient, king: KingClient, choices: Exports) -> None:
        self._choices = choices
        connection = Connection.objects.filter(system=System.KING).defer("credentials").get()
        self._journal = Journal(connection.administration).entries()
        self._in_king = dict(_orders_of(king))
        self._at_trigger = set(_listed(outsmart, COMPLETE, {choices.work_order_status}))
        self._confirmed = set(_listed(outsmart, HANDLED, {choices.work_order_status, choices.success_status.strip()}))
        self._rows = {row.outsmart_id: row for row in _ledger()}

    def made(self) -> Compared:
        found = [
            *self._unknown_in_king(),
            *self._unknown_in_journal(),
            *self._unknown_though_confirmed(),
            *self._no_longer_in_king(),
            *self._elsewhere_in_outsmart(),
        ]
        return Compared(
            ledger=len(self._rows),
            king_orders=len(self._in_king),
            at_trigger=len(self._at_trigger),
            new_at_trigger=len(self._at_trigger - self._rows.keys()),
            differences=found,
        )

    # --- What the ledger does not know --------------------------------------------------------------------------------

    def _unknown_in_king(self) -> Iterator[Difference]:
        for number, reference in self._in_king.items():
            if not self._is_known(reference):
                yield _difference("restored.in_king_only", reference, number)

    def _unknown_in_journal(self) -> Iterator[Difference]:
        shown = set(self._in_king.values())
        for reference, entry in self._journal.items():
            row = self._rows.get(orders.named_by(reference)[0])
            is_known = row is not None and (is_begun(row, reference) or was_reset(row, entry))
            if entry.number != journal.NOT_MADE and reference not in shown and not is_known:
                yield _difference("restored.in_journal_only", reference, entry.number)

    def _unknown_though_confirmed(self) -> Iterator[Difference]:
        """Yield what OutSmart calls done and only OutSmart knows; older work orders were never ours."""
        known = {*self._rows, *(orders.named_by(each)[0] for each in (*self._in_king.values(), *self._journal))}
        first = min((int(each) for each in known if each.isdecimal()), default=None)
        for outsmart_id in sorted(self._confirmed - known):
            if first is not None and outsmart_id.isdecimal() and int(outsmart_id) > first:
                yield _difference("restored.confirmed_only", orders.external_number(outsmart_id), "")

    def _is_known(self, reference: str) -> bool:
        row = self._rows.get(orders.named_by(reference)[0])
        return row is not None and is_begun(row, reference)

    # --- What only the ledger knows -----------------------------------------------------------------------------------

    def _no_longer_in_king(self) -> Iterator[Difference]:
        for row in self._rows.values():
            is_open = row.is_created_by_us and row.king_order_number and row.king_closed_at is None
            if is_open and row.king_order_number not in self._in_king:
                yield _difference("restored.closed_since", _reference(row), row.king_order_number or "")

    def _elsewhere_in_outsmart(self) -> Iterator[Difference]:
        for row in self._rows.values():
            number = row.king_order_number or ""
            if row.state in WorkOrder.COMPLETE and row.outsmart_id in self._at_trigger:
                yield _difference("restored.at_trigger_again", _reference(row), number)
            elif row.state in _NOTHING_SENT and row.outsmart_id in self._confirmed:
                yield _difference("restored.confirmed_since", _reference(row), number)


def _difference(code: str, reference: str, number: str) -> Difference:
    outsmart_id = orders.named_by(reference)[0]
    return Difference(outsmart_id, number, reason(code, reference=reference, number=number or "?"))


def _reference(row: WorkOrder) -> str:
    return orders.external_number(row.outsmart_id, row.part)


def _ledger() -> QuerySet[WorkOrder]:
    return WorkOrder.objects.defer("source").order_by("id")


def _orders_of(king: KingClient) -> Iterator[tuple[str, str]]:
    """Yield the number and reference of every open order of ours that King shows."""
    after = ""
    while True:
        page = with_retry(lambda: king.read_page(Kind.ORDER, after=after, size=PAGE))  # noqa: B023
        for raw in page.records:
            number, reference = order_marks(raw)
            if reference.startswith(_PREFIX):
                yield number, reference
        if page.next_after is None or page.next_after == after:
            return
        after = page.next_after


def _listed(outsmart: OutSmartClient, status: str, work_statuses: set[str]) -> Iterator[str]:
    for work_status in sorted(work_statuses - {""}):
        for raw in outsmart.iter_work_orders(status=status, work_status=work_status):
            marks = payloads.marks(raw)
            if marks.outsmart_id and not marks.is_archived and marks.status in (None, status):
                yield marks.outsmart_id
