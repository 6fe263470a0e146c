"""Open King orders become work orders in OutSmart: once each, and never one that our export made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from django.db import transaction
from django.utils import timezone

from integrations import errors
from integrations.king import payloads
from integrations.king.client import Client as KingClient
from integrations.king.records import Debtor, Kind, Order, Page
from integrations.outsmart import payloads as outsmart_payloads
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.models import tenants
from kingsync.models.links import ImportedLine, RecordKind, RecordLink
from kingsync.models.runs import LogEntry
from kingsync.models.wording import stored
from kingsync.models.work_orders import WorkOrder
from kingsync.rules import imported_orders
from kingsync.rules.imported_orders import NewWork
from kingsync.rules.mapping import Orders
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import posting
from kingsync.runs.lifecycle import Claim
from kingsync.runs.log import RunLog
from kingsync.runs.patience import patiently

BATCH = 50
NEW = "Klaargezet"
Counted = Literal["skipped", "rejected", "unchanged"]


class OrderImport:
    """The order part of one import run; goes through King's pages of open orders."""

    def __init__(self, claim: Claim, choices: Orders, king: KingClient, outsmart: OutSmartClient, log: RunLog) -> None:
        self._claim, self._choices, self._king, self._outsmart, self._log = claim, choices, king, outsmart, log
        self._debtors: dict[str, Debtor | None] = {}

    def work(self) -> None:
        done = self._claim.run.progress_done
        self._claim.beat(kind="orders", done=done)
        for page in self._king.iter_pages(Kind.ORDER):
            self._page(page)
            done += len(page.records)
            self._log.write()
            self._claim.beat(done=done)

    def _page(self, page: Page) -> None:
        self._claim.count("read", len(page.records))
        found = [order for raw in page.records if (order := self._decoded(bytes(raw)))]
        linked = self._linked(order.number for order in found)
        new = [work for order in found if (work := self._considered(order, linked)) and not self._is_there(work)]
        if self._claim.run.is_dry:
            self._preview(new)
            return
        for start in range(0, len(new), BATCH):
            self._post(new[start : start + BATCH])

    def _decoded(self, raw: bytes) -> Order | None:
        try:
            return payloads.order(raw)
        except errors.PayloadError as error:
            self._drop("", "rejected", reason("unreadable_record", detail=error.detail or error.path))
            return None

    def _linked(self, numbers: Iterable[str]) -> set[str]:
        """Return the orders that have a work order already, through our import, our export or by hand."""
        wanted = list(numbers)
        imported = RecordLink.objects.filter(
            kind=RecordKind.ORDER, king_id__in=wanted, state=RecordLink.State.LINKED
        ).values_list("king_id", flat=True)
        exported = WorkOrder.objects.filter(king_order_number__in=wanted).values_list("king_order_number", flat=True)
        return {*imported, *(number for number in exported if number)}

    def _considered(self, order: Order, linked: set[str]) -> NewWork | None:
        """Return the work order to make; None when it is there already, left alone or impossible (booked so)."""
        if order.number in linked:
            self._claim.count("unchanged")
            return None
        leave = imported_orders.reason_to_leave(order, self._choices)
        if leave:
            self._drop(order.number, "skipped", leave)
            return None
        answer = self._from(order)
        if isinstance(answer, Reason):
            self._drop(order.number, "rejected", answer)
            return None
        return answer

    def _is_there(self, work: NewWork) -> bool:
        """True for an order whose number somebody typed into a work order: linked as it is, its rows are their own."""
        number = work.work_order.king_order_number
        raw = self._outsmart.find_work_order(king_order_number=number)
        if raw is None:
            return False
        self._claim.count("unchanged")
        if not self._claim.run.is_dry:
            outsmart_id = outsmart_payloads.work_order(raw).outsmart_id
            self._store_links([_link(number, outsmart_id=outsmart_id, state=RecordLink.State.LINKED)])
        return True

    def _from(self, order: Order) -> NewWork | Reason:
        customer = self._debtor(order.debtor_number)
        invoice = self._debtor(order.invoice_debtor_number or order.debtor_number)
        if customer is None or invoice is None:
            return reason(
                "unknown_debtor", debtor=order.debtor_number if customer is None else order.invoice_debtor_number
            )
        return imported_orders.from_order(order, customer, invoice, self._choices)

    def _debtor(self, number: str) -> Debtor | None:
        if number not in self._debtors:
            raw = self._king.find_record(Kind.DEBTOR, number)
            self._debtors[number] = None if raw is None else payloads.debtor(raw)
        return self._debtors[number]

    def _drop(self, number: str, counted: Counted, why: Reason) -> None:
        """Count and list an order that does not become a work order."""
        self._claim.count(counted)
        is_wrong = counted == "rejected"
        level = LogEntry.Level.ERROR if is_wrong else LogEntry.Level.INFO
        self._log.add(f"record.{counted}", why, level=level, kind=RecordKind.ORDER, king_id=number)
        if number and not self._claim.run.is_dry:
            state = RecordLink.State.REJECTED if is_wrong else RecordLink.State.SKIPPED
            self._store_links([_link(number, outsmart_id=number, state=state, why=why)])

    # --- Sending ------------------------------------------------------------------------------------------------------

    def _post(self, works: list[NewWork]) -> None:
        row_ids: dict[str, str] = {}
        refused = {
            work.work_order.king_order_number: why
            for work, why in posting.halving(lambda batch: row_ids.update(self._sent(batch)), works)
        }
        made = [work for work in works if work.work_order.king_order_number not in refused]
        for number, why in refused.items():
            self._drop(number, "rejected", why)
        with transaction.atomic():
            self._store_links([_made(work, row_ids) for work in made])
            _store_lines(made)
        self._claim.count("created", len(made))

    def _sent(self, works: Sequence[NewWork]) -> dict[str, str]:
        """Post work orders; after a lost answer only those that OutSmart turns out not to have."""
        try:
            return patiently(lambda: self._outsmart.post_work_orders([work.work_order for work in works]))
        except (errors.OutcomeUnknownError, errors.ServerError):
            there = self._there()
        missing = [work.work_order for work in works if work.work_order.king_order_number not in there]
        return there | patiently(lambda: self._outsmart.post_work_orders(missing))

    def _there(self) -> dict[str, str]:
        """Return the new work orders that OutSmart has, by their King order number."""
        found = {}
        for raw in self._outsmart.iter_work_orders(status=NEW):
            work_order = outsmart_payloads.work_order(raw)
            found[work_order.king_order_number] = work_order.outsmart_id
        return found

    def _store_links(self, links: list[RecordLink]) -> None:
        RecordLink.objects.bulk_create(
            links,
            update_conflicts=True,
            unique_fields=["tenant", "kind", "king_id"],
            update_fields=["outsmart_id", "state", "reason", "synced_at"],
        )

    def _preview(self, works: list[NewWork]) -> None:
        self._claim.count("created", len(works))
        self._claim.plan.extend(
            {
                "kind": RecordKind.ORDER.value,
                "king_id": work.work_order.king_order_number,
                "action": "created",
                "reason": None,
                "row": msgspec.to_builtins(work.work_order),
            }
            for work in works
        )


def _link(number: str, *, outsmart_id: str, state: RecordLink.State, why: Reason | None = None) -> RecordLink:
    return RecordLink(
        tenant_id=tenants.current_id(),
        kind=RecordKind.ORDER,
        king_id=number,
        outsmart_id=outsmart_id,
        state=state,
        reason=dict(stored(why)) if why else {},
        synced_at=timezone.now(),
    )


def _made(work: NewWork, row_ids: dict[str, str]) -> RecordLink:
    number = work.work_order.king_order_number
    # OutSmart may leave out a work order that it had already; its King number is enough to find it again.
    return _link(number, outsmart_id=row_ids.get(number, number), state=RecordLink.State.LINKED)


def _store_lines(works: list[NewWork]) -> None:
    ImportedLine.objects.bulk_create(
        [
            ImportedLine(
                tenant_id=tenants.current_id(),
                king_order_number=work.work_order.king_order_number,
                king_line_id=line.king_line_id,
                key=line.key,
                label=line.content.article,
                content=msgspec.to_builtins(line.content),
            )
            for work in works
            for line in work.lines
        ],
        ignore_conflicts=True,
    )
