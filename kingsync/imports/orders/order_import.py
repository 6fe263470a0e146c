"""Import open King orders as work orders in OutSmart: once each, and never one that our export created."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from integrations import errors
from integrations.king import payloads
from integrations.king.reader import KingReader
from integrations.king.records import Kind, Order, Page
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.imports import seen_hashes
from kingsync.imports.orders import order_drift, order_links, order_post
from kingsync.imports.orders.order_customers import Customers
from kingsync.imports.orders.order_drift import OrderWatch
from kingsync.imports.orders.order_links import State
from kingsync.imports.orders.order_post import Ready
from kingsync.imports.orders.order_progress import OrderScan
from kingsync.models.connections import Connection, System
from kingsync.models.former_orders import FormerOrders
from kingsync.models.import_kinds import ORDERS
from kingsync.models.links import RecordKind, RecordLink
from kingsync.models.runs import LogEntry
from kingsync.rules.imports import imported_orders
from kingsync.rules.imports.imported_orders import NewWork
from kingsync.rules.imports.records import LONGEST_NUMBER
from kingsync.rules.mapping import Orders
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs.journal import Journal, Purpose
from kingsync.runs.lifecycle import Claim
from kingsync.runs.run_log import RunLog

NAME = ORDERS.name
# A new order costs a call: at most this many between two heartbeats.
PAGE = 200
BATCH = 50
Counted = Literal["skipped", "rejected"]


@dataclass(frozen=True)
class _Scanned:
    """An order on a page of King's whose number was read, with its existing link."""

    number: str
    raw: bytes
    source_hash: uuid.UUID
    link: RecordLink | None


class OrderImport:
    """The order part of one import run; goes through King's pages of open orders."""

    def __init__(self, claim: Claim, choices: Orders, king: KingReader, outsmart: OutSmartClient, log: RunLog) -> None:
        self._claim, self._choices, self._king, self._outsmart, self._log = claim, choices, king, outsmart, log
        self._customers = Customers(king)
        self._watch = OrderWatch(claim, choices, self._customers, log)
        self._scan = OrderScan(king, is_dry=claim.run.is_dry)
        self._is_dry = claim.run.is_dry
        self._links: list[RecordLink] = []
        self._former_orders = FormerOrders()
        king_connection = Connection.objects.filter(system=System.KING).defer("credentials").first()
        self._journal = Journal(king_connection.administration if king_connection else "", Purpose.IMPORTS)

    def import_orders(self) -> bool:
        """Read page by page; return True when the slice is over before the last page."""
        claim, (after, done) = self._claim, self._begin()
        claim.heartbeat(kind=NAME, done=done)
        for page in self._king.iter_pages(Kind.ORDER, after=after, size=PAGE):
            self._page(page)
            done += len(page.records)
            self._log.write()
            if page.next_after:
                is_slice_over = claim.is_slice_over
                is_remembered = is_slice_over and self._scan.remember()
                claim.heartbeat(done=done, cursor=self._cursor(page.next_after, done, is_remembered=is_remembered))
                if is_slice_over:
                    return True
        self._finish(done)
        return False

    def _begin(self) -> tuple[str, int]:
        """Return the order to continue after and the count so far: from an earlier slice, or the start."""
        stood = self._claim.run.cursor.get(NAME)
        if stood is None:
            self._scan.begin()
            return "", 0
        if stood["is_remembered"]:
            self._scan.go_on()
        return stood["after"], stood["done"]

    def _cursor(self, after: str, done: int, *, is_remembered: bool) -> dict[str, object]:
        stands = {"after": after, "done": done, "is_remembered": is_remembered}
        return {"finished": self._claim.run.cursor.get("finished", []), NAME: stands}

    def _finish(self, done: int) -> None:
        """Mark orders that King no longer shows. After a crash in between the last page is read again."""
        for link in self._scan.missing():
            self._watch.deleted_at_source(link)
            self._links.append(link)
        self._store_links()
        self._scan.end()
        self._log.write()
        self._claim.heartbeat(done=done)

    # --- One page -----------------------------------------------------------------------------------------------------

    def _page(self, page: Page) -> None:
        self._claim.count("read", len(page.records))
        scanned = self._scanned(page)
        self._scan.mark_seen(each.number for each in scanned)
        ledger = order_links.in_the_ledger(each.number for each in scanned)
        is_reported = {each.number: self._is_reported(each, ledger) for each in scanned}
        self._claim.count("unchanged", sum(is_reported.values()))
        found = [(each, order) for each in scanned if not is_reported[each.number] and (order := self._decoded(each))]
        self._customers.prepare(order for _, order in found)
        new = [ready for each, order in found if (ready := self._considered(each, order))]
        for start in range(0, len(new), BATCH):
            self._make(new[start : start + BATCH])
        self._store_links()

    def _scanned(self, page: Page) -> list[_Scanned]:
        numbered = [(number, bytes(raw)) for raw in page.records if (number := self._number(bytes(raw)))]
        newest = dict(numbered)  # an order listed twice on a page is one order
        self._claim.count("unchanged", len(numbered) - len(newest))
        links = order_links.of(newest)
        return [
            _Scanned(number, raw, uuid.UUID(bytes=seen_hashes.digest_of(raw)), links.get(number))
            for number, raw in newest.items()
        ]

    def _number(self, raw: bytes) -> str:
        """Return the number of an order; "" if it has none that we can store (saved as rejected)."""
        try:
            number = payloads.number(Kind.ORDER, raw)
        except errors.PayloadError as error:
            detail = error.detail or error.path
        else:
            if len(number) <= LONGEST_NUMBER:
                return number
            detail = f"{number[:LONGEST_NUMBER]}…"
        self._scan.cannot_be_sure()
        self._count("rejected", "")
        why = reason("unreadable_record", detail=detail)
        is_new = not self._log.was_reported("record.rejected", why, kind=RecordKind.ORDER)
        self._claim.problem(is_new=is_new, about=_record(""))
        if is_new:
            self._log.add("record.rejected", why, level=LogEntry.Level.ERROR, kind=RecordKind.ORDER)
        return ""

    def _is_reported(self, each: _Scanned, ledger: Mapping[str, bool]) -> bool:
        """Return True for an order that is unchanged, or that the export watches since it began to write to it."""
        link, is_exported = each.link, ledger.get(each.number, False)
        if link is None or link.state not in RecordLink.IN_OUTSMART:
            return each.number in ledger  # our export created the order, or linked it
        if self._watch.still_there(link, is_exported=is_exported):
            self._links.append(link)
        return is_exported or not link.sent or link.source_hash == each.source_hash

    def _decoded(self, each: _Scanned) -> Order | None:
        try:
            return payloads.order(each.raw)
        except errors.PayloadError as error:
            self._drop(each, "rejected", reason("unreadable_record", detail=error.detail or error.path))
            return None

    def _considered(self, each: _Scanned, order: Order) -> tuple[_Scanned, NewWork] | None:
        """Return the work order to make; None if it exists, is left alone or is impossible (saved so)."""
        if each.link is not None and each.link.state in RecordLink.IN_OUTSMART:
            self._claim.count("unchanged")
            self._watch.changed(each.link, order, each.source_hash)
            self._links.append(each.link)
            return None
        leave = imported_orders.reason_to_leave(order, self._choices)
        if leave:
            self._drop(each, "skipped", leave)
            return None
        answer = self._from(order)
        if isinstance(answer, Reason):
            self._drop(each, "rejected", answer)
            return None
        return each, answer

    def _from(self, order: Order) -> NewWork | Reason:
        parties = self._customers.of(order)
        return parties if isinstance(parties, Reason) else imported_orders.from_order(order, *parties, self._choices)

    # --- Saving -------------------------------------------------------------------------------------------------------

    def _drop(self, each: _Scanned, counted: Counted, why: Reason) -> None:
        """Count and list an order that does not become a work order; the same reason is logged once."""
        is_wrong = counted == "rejected"
        self._count(counted, each.number)
        link = order_links.made(each.number, state=State.REJECTED if is_wrong else State.SKIPPED, why=why)
        is_news = each.link is None or (each.link.state, each.link.reason) != (link.state, link.reason)
        if is_wrong:
            self._claim.problem(is_new=is_news, about=_record(each.number))
        if is_news:
            level = LogEntry.Level.ERROR if is_wrong else LogEntry.Level.INFO
            self._log.add(f"record.{counted}", why, level=level, kind=RecordKind.ORDER, king_id=each.number)
        if self._is_dry:
            order_drift.report(self._claim, each.number, counted, why=why)
        # One that was refused again was meanwhile saved as being posted.
        if (is_news or is_wrong) and (each.link is None or each.link.state not in RecordLink.IN_OUTSMART):
            self._links.append(link)

    def _count(self, outcome: str, number: str) -> None:
        """Count an order, and keep which one it was unless it stayed the same."""
        self._claim.count(outcome)
        if outcome != "unchanged":
            self._claim.ended(_record(number), outcome)

    def _store_links(self) -> None:
        if not self._is_dry:
            order_links.store(self._links)
        self._links = []

    # --- Making work orders -------------------------------------------------------------------------------------------

    def _make(self, found: Sequence[tuple[_Scanned, NewWork]]) -> None:
        """Make the work orders that OutSmart does not have."""
        new = [(each, work) for each, work in found if self._is_new(each, work)]
        if self._is_dry:
            self._claim.count("created", len(new))
            for each, work in new:
                order_drift.report(self._claim, each.number, "created", work=work)
            return
        by_number = {each.number: each for each, _ in new}
        self._claim.renew_lease()
        ready = [Ready(work, each.source_hash) for each, work in new]
        refused = order_post.post(self._outsmart, ready, self._journal)
        for number in by_number.keys() - refused.keys():
            self._count("created", number)
        for number, why in refused.items():
            self._drop(by_number[number], "rejected", why)

    def _is_new(self, each: _Scanned, work: NewWork) -> bool:
        """Return whether OutSmart lacks the order: a call, before which the run may be taken over or cancelled."""
        self._claim.renew_lease()
        return not self._is_there(each, work)

    def _is_there(self, each: _Scanned, work: NewWork) -> bool:
        """Return True if OutSmart has a work order for the order (saved so), or cannot be asked about it.

        An interrupted run posted it, which was saved beforehand; or a user typed its number into a work order, which is
        linked as it is: its rows are the user's own.
        """
        try:
            outsmart_id = order_post.find(self._outsmart, each.number)
        except errors.PayloadError as error:
            self._drop(each, "rejected", reason("unreadable_work_order", detail=error.detail or error.path))
            return True
        if outsmart_id is None:
            return False
        former = self._former_orders.of({outsmart_id: ""}).get(outsmart_id)
        if former is not None:
            why = reason("work_order_of_former_administration", administration=former.administration)
            self._drop(each, "rejected", why)
            return True
        posted = each.link if each.link is not None and each.link.sent else None
        if posted is None and each.number in self._journal.entries():
            return self._is_ours_again(each, work, outsmart_id)
        link = order_links.made(
            each.number,
            state=State.LINKED,
            outsmart_id=outsmart_id,
            name=work.work_order.customer_name,
            sent=posted.sent if posted else "",
            source_hash=posted.source_hash if posted else each.source_hash,
        )
        if not self._is_dry:
            order_links.store([link])
        is_taken = link.state == State.SKIPPED
        self._count("skipped" if is_taken else "created" if posted else "unchanged", each.number)
        return True

    def _is_ours_again(self, each: _Scanned, work: NewWork, outsmart_id: str) -> bool:
        """Link a work order posted by a lost state of the database, with the lines that its materials come from."""
        if not self._is_dry:
            order_post.save_again(Ready(work, each.source_hash), outsmart_id)
        self._claim.count("unchanged")
        return True


def _record(number: str) -> str:
    return f"{RecordKind.ORDER.value} {number}"
