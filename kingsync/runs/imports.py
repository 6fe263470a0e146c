"""An import run, from top to bottom: per kind, page by page, read - compare - post - book."""

from __future__ import annotations

import datetime
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from integrations import errors
from integrations.king import payloads
from integrations.king.client import Client as KingClient
from integrations.king.records import Kind, Page
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.models import tenants
from kingsync.models.links import ReadState, RecordLink
from kingsync.models.runs import LogEntry
from kingsync.models.wording import stored
from kingsync.rules import customers, hour_types, products, warehouses
from kingsync.rules.mapping import Imports
from kingsync.rules.outcomes import Reason
from kingsync.rules.records import Answer, Dropped, Row
from kingsync.runs import clients, mirror, posting
from kingsync.runs.choices import refresh_work_statuses
from kingsync.runs.lifecycle import Claim
from kingsync.runs.log import RunLog
from kingsync.runs.order_imports import OrderImport

BATCH = 500
# King's clock and ours may differ, and a record may be stored while a page is read.
OVERLAP = datetime.timedelta(minutes=10)
FULL_PASS_AFTER = datetime.timedelta(hours=24)


@dataclass(frozen=True)
class Story:
    """How one kind of the contract is read and turned into rows. `primary` is the RecordKind that is counted."""

    kind: Kind
    primary: str
    posted: tuple[str, ...]
    decode: Callable[[bytes], Any]
    answers: Callable[[Any, Any], list[Answer]]
    choices: Callable[[Imports], Any]


# In the order of dependency: what later ones refer to comes first.
STORIES: dict[str, Story] = {
    "warehouses": Story(
        Kind.WAREHOUSE,
        "warehouse",
        ("warehouse",),
        payloads.warehouse,
        warehouses.from_warehouse,
        lambda i: i.warehouses,
    ),
    "hour_types": Story(
        Kind.RATE, "hour_type", ("hour_type",), payloads.rate, hour_types.from_rate, lambda i: i.hour_types
    ),
    "customers": Story(
        Kind.DEBTOR,
        "customer",
        ("customer", "contact_person", "address"),
        payloads.debtor,
        customers.from_debtor,
        lambda i: i.customers,
    ),
    "products": Story(
        Kind.ARTICLE, "product", ("product",), payloads.article, products.from_article, lambda i: i.products
    ),
}


# Orders come last: their customers and articles should be there. They have a story of their own.
ORDERS = "orders"


def wanted_kinds(choices: Imports, asked: Iterable[str]) -> list[str]:
    """Return the kinds to import, in order: those asked for, or else those that are switched on."""
    kinds = (*STORIES, ORDERS)
    names = list(asked) or [name for name in kinds if getattr(choices, name).enabled]
    return [name for name in kinds if name in names]


def run(claim: Claim, choices: Imports, log: RunLog) -> bool:
    """Work on an import run until it is done (False) or the slice is over (True).

    Raises `NotConnectedError`, and the errors of the two systems that stop a run.
    """
    with clients.both() as (outsmart, king):
        job = _Job(claim, choices, king, outsmart, log)
        if not claim.run.is_dry and not claim.run.cursor:
            refresh_work_statuses(outsmart)
        for name in wanted_kinds(choices, claim.run.options.get("kinds", [])):
            if name in claim.run.cursor.get("finished", []):
                continue
            if name == ORDERS:
                OrderImport(claim, choices.orders, king, outsmart, log).work()
            elif _Import(job, name).work():
                return True
    return False


@dataclass
class _Job:
    claim: Claim
    choices: Imports
    king: KingClient
    outsmart: OutSmartClient
    log: RunLog


@dataclass
class _Changed:
    """A record whose bytes are not those dealt with last: what the rule makes of it."""

    king_id: str
    raw: bytes
    source_hash: uuid.UUID
    answers: list[Answer]
    outcomes: Counter[str] = field(default_factory=Counter)


class _Import:
    """The import of one kind."""

    def __init__(self, job: _Job, name: str) -> None:
        self.job, self.name, self.story = job, name, STORIES[name]
        self._known: set[uuid.UUID] = set()
        self._must_read_again = False

    def work(self) -> bool:
        """Read page by page; True when the slice is over before the last page."""
        claim, cursor = self.job.claim, self._cursor()
        self._known = self._known_hashes()
        done = claim.run.progress_done
        claim.beat(kind=self.name, done=done)
        pages = self.job.king.iter_pages(
            self.story.kind, after=str(cursor["after"] or ""), changed_since=_moment(cursor["since"])
        )
        for page in pages:
            self._page(page)
            done += len(page.records)
            self.job.log.write()
            claim.beat(done=done)
            claim.save_cursor({**claim.run.cursor, "kind": self.name, **cursor, "after": page.next_after})
            if claim.is_slice_over and page.next_after:
                return True
        self._finish(cursor)
        return False

    # --- Where to begin -----------------------------------------------------------------------------------------------

    def _cursor(self) -> dict[str, object]:
        """Return where this pass stands: the one of an earlier slice, or a new one."""
        stored_cursor = self.job.claim.run.cursor
        if stored_cursor.get("kind") == self.name:
            return {name: stored_cursor[name] for name in ("after", "since", "began")}
        began = timezone.now()
        since = self._changed_since(began)
        return {"after": None, "since": since and since.isoformat(), "began": began.isoformat()}

    def _changed_since(self, now: datetime.datetime) -> datetime.datetime | None:
        """Return from when changes are enough; None = everything must be read."""
        state = ReadState.objects.filter(purpose=self.name, kind=self.story.kind.value).first()
        if self.job.claim.run.options.get("full") or state is None or state.changed_until is None:
            return None
        if state.settings_version != self.job.claim.run.settings_version:
            return None
        if state.complete_at is None or now - state.complete_at > FULL_PASS_AFTER:
            return None
        return state.changed_until - OVERLAP

    def _known_hashes(self) -> set[uuid.UUID]:
        """Return the bytes dealt with under these settings; empty when the settings changed since."""
        state = ReadState.objects.filter(purpose=self.name, kind=self.story.kind.value).first()
        if state is None or state.settings_version != self.job.claim.run.settings_version:
            return set()
        links = RecordLink.objects.filter(kind=self.story.primary, source_hash__isnull=False)
        return {each for each in links.values_list("source_hash", flat=True) if each}

    def _finish(self, cursor: dict[str, object]) -> None:
        claim = self.job.claim
        finished = [*claim.run.cursor.get("finished", []), self.name]
        claim.save_cursor({"finished": finished})
        if claim.run.is_dry:
            return
        changes: dict[str, object] = {"settings_version": claim.run.settings_version}
        changes["changed_until"] = None if self._must_read_again else _moment(cursor["began"])
        if cursor["since"] is None:
            changes["complete_at"] = _moment(cursor["began"])
            mirror.mark_filled(self.story.kind)
        ReadState.objects.update_or_create(
            tenant_id=tenants.current_id(), purpose=self.name, kind=self.story.kind.value, defaults=changes
        )

    # --- One page -----------------------------------------------------------------------------------------------------

    def _page(self, page: Page) -> None:
        changed: list[_Changed] = []
        for raw in map(bytes, page.records):
            source_hash = mirror.hash_of(raw)
            if source_hash in self._known:
                self.job.claim.count("unchanged")
            else:
                record = self._read(raw, source_hash)
                if record:
                    changed.append(record)
        self.job.claim.count("read", len(page.records))
        if changed:
            self._changed(changed)

    def _read(self, raw: bytes, source_hash: uuid.UUID) -> _Changed | None:
        try:
            record = self.story.decode(raw)
        except errors.PayloadError as error:
            self.job.claim.count("rejected")
            self._must_read_again = True
            self.job.log.add(
                "record.unreadable",
                Reason(code="unreadable_record", params={"detail": error.detail or error.path}),
                level=LogEntry.Level.ERROR,
                kind=self.story.primary,
            )
            return None
        answers = self.story.answers(record, self.story.choices(self.job.choices))
        return _Changed(record.number, raw, source_hash, answers)

    def _changed(self, records: list[_Changed]) -> None:
        links = self._links(records)
        to_post = {kind: self._to_post(kind, records, links) for kind in self.story.posted}
        if self.job.claim.run.is_dry:
            self._preview(records, links, to_post)
            return
        refused: dict[tuple[str, str], Reason] = {}
        for kind, rows in to_post.items():
            if rows:
                found = posting.post(self.job.outsmart, kind, rows)
                refused |= {(kind, code): why for code, why in found.items()}
        posted = {(kind, row.outsmart_id) for kind, rows in to_post.items() for row in rows}
        self._book(records, links, posted, refused)

    def _links(self, records: list[_Changed]) -> dict[tuple[str, str], RecordLink]:
        king_ids = {answer.king_id for record in records for answer in record.answers}
        found = RecordLink.objects.filter(kind__in=self.story.posted, king_id__in=king_ids)
        return {(link.kind, link.king_id): link for link in found}

    def _to_post(self, kind: str, records: list[_Changed], links: dict[tuple[str, str], RecordLink]) -> list[Row]:
        """Return the rows of one kind that are not what was sent last."""
        rows = []
        for record in records:
            for answer in record.answers:
                if isinstance(answer, Row) and answer.kind == kind:
                    link = links.get((kind, answer.king_id))
                    if link is None or link.sent != _sent(answer):
                        rows.append(answer)
        return rows

    # --- Booking ------------------------------------------------------------------------------------------------------

    def _book(
        self,
        records: list[_Changed],
        links: dict[tuple[str, str], RecordLink],
        posted: set[tuple[str, str]],
        refused: dict[tuple[str, str], Reason],
    ) -> None:
        """Store links and mirror after the rows are in OutSmart, so that a crash repeats instead of forgets."""
        rows = []
        for record in records:
            for answer in record.answers:
                before = links.get((answer.kind, answer.king_id))
                outcome, why = _outcome(answer, before, posted, refused)
                record.outcomes[outcome] += 1
                rows.append(self._link(record, answer, before, outcome, why))
                if why:
                    self._note(answer, outcome, why)
            self._count(record)
        with transaction.atomic():
            _store_links(rows)
            mirror.store(self.story.kind, [record.raw for record in records])

    def _count(self, record: _Changed) -> None:
        """Count the record once, by what became of its own row; a changed part of it makes it updated."""
        first = next(iter(record.outcomes))
        if first == "unchanged" and len(record.outcomes) > 1:
            first = "updated"
        self.job.claim.count(first, trouble=record.outcomes["rejected"] > 0 and first != "rejected")

    def _link(
        self, record: _Changed, answer: Answer, before: RecordLink | None, outcome: str, why: Reason | None
    ) -> RecordLink:
        is_refused = outcome == "rejected" and isinstance(answer, Row)
        self._must_read_again = self._must_read_again or is_refused
        link = RecordLink(
            tenant_id=tenants.current_id(),
            kind=answer.kind,
            king_id=answer.king_id,
            outsmart_id=answer.outsmart_id if isinstance(answer, Row) else answer.king_id,
            state=RecordLink.State.LINKED,
            is_active=isinstance(answer, Row) and answer.is_active,
            source_hash=None if is_refused else record.source_hash,
            synced_at=timezone.now(),
        )
        if why:
            link.reason = stored(why)
        if isinstance(answer, Dropped) or is_refused:
            link.state = RecordLink.State.REJECTED if outcome == "rejected" else RecordLink.State.SKIPPED
            link.sent = before.sent if before else ""
        else:
            link.sent = _sent(answer)
        return link

    def _note(self, answer: Answer, outcome: str, why: Reason) -> None:
        level = LogEntry.Level.ERROR if outcome == "rejected" else LogEntry.Level.INFO
        self.job.log.add(f"record.{outcome}", why, level=level, kind=answer.kind, king_id=answer.king_id)

    # --- Dry run ------------------------------------------------------------------------------------------------------

    def _preview(
        self,
        records: list[_Changed],
        links: dict[tuple[str, str], RecordLink],
        to_post: dict[str, list[Row]],
    ) -> None:
        posted = {(kind, row.outsmart_id) for kind, rows in to_post.items() for row in rows}
        for record in records:
            for answer in record.answers:
                before = links.get((answer.kind, answer.king_id))
                outcome, why = _outcome(answer, before, posted, {})
                record.outcomes[outcome] += 1
                if outcome != "unchanged":
                    self.job.claim.plan.append(_planned(answer, outcome, why))
            self._count(record)


def _planned(answer: Answer, outcome: str, why: Reason | None) -> dict[str, object]:
    return {
        "kind": answer.kind,
        "king_id": answer.king_id,
        "action": outcome,
        "reason": stored(why) if why else None,
        "row": msgspec.to_builtins(answer.payload) if isinstance(answer, Row) else None,
    }


def _outcome(
    answer: Answer, before: RecordLink | None, posted: set[tuple[str, str]], refused: dict[tuple[str, str], Reason]
) -> tuple[str, Reason | None]:
    """Return one of the contract's counts for one row, and why it was not sent."""
    if isinstance(answer, Dropped):
        return ("rejected" if answer.is_impossible else "skipped"), answer.reason
    key = (answer.kind, answer.outsmart_id)
    if key in refused:
        return "rejected", refused[key]
    if key not in posted:
        return "unchanged", None
    if before is None or not before.sent:
        return "created", None
    return ("deactivated" if before.is_active and not answer.is_active else "updated"), None


def _sent(row: Row) -> str:
    return msgspec.json.encode(row.payload).decode()


def _store_links(rows: list[RecordLink]) -> None:
    RecordLink.objects.bulk_create(
        {(row.kind, row.king_id): row for row in rows}.values(),
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["tenant", "kind", "king_id"],
        update_fields=["outsmart_id", "state", "is_active", "source_hash", "sent", "reason", "synced_at"],
    )


def _moment(text: object) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(str(text)) if text else None
