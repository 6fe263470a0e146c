"""The filtered list of imported records: by state, kind and search; page by page in the order of King's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet, Value
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kingsync.models import links, searched_text
from kingsync.models.links import RecordKind, RecordLink
from kingsync.web.shared.paging import PAGE_SIZE

ALL = "all"
SEARCH_LENGTH = 100
# Trigrams are of no use for a shorter text; it is in so many names that the first page of them is found soon.
SHORTEST_BY_INDEX = 3
# What more records have is found as soon by reading them in the order of the page.
FEW = 2_000
# What needs attention comes first: the page opens with it.
TABS: dict[str, str | Promise] = {
    RecordLink.State.REJECTED.value: _("Could not be sent"),
    RecordLink.State.LINKED.value: _("In OutSmart"),
    RecordLink.State.SKIPPED.value: _("Left out"),
    RecordLink.State.DELETED.value: _("No longer in King"),
    ALL: _("All"),
}


@dataclass(frozen=True)
class Wanted:
    """The parameters of a URL. `after` is the record after which the page begins, "" for the first page."""

    state: str
    kind: str
    search: str
    after: str


@dataclass(frozen=True)
class Page:
    """`next_after` is where the next page begins; "" on the last one."""

    rows: list[RecordLink]
    next_after: str
    is_first: bool


def wanted(asked: QueryDict) -> Wanted:
    """Return the valid parameters. Without a state, a search covers all of them, and a list opens where records are."""
    search = asked.get("q", "").strip()[:SEARCH_LENGTH]
    state, kind = asked.get("state", ""), asked.get("kind", "")
    if kind not in RecordKind.values:
        kind = ""
    if state not in TABS:
        state = ALL if search else _first_filled(kind)
    return Wanted(state=state, kind=kind, search=search, after=asked.get("after", ""))


def _first_filled(kind: str) -> str:
    """Return the first tab that shows anything: what could not be sent, else what there is."""
    rows = RecordLink.objects.filter(kind__in=[kind] if kind else RecordKind.values)
    for state in TABS:
        if state != ALL and rows.filter(state=state).exists():
            return state
    return RecordLink.State.REJECTED.value


def page(asked: Wanted) -> Page:
    """Return one page, in one statement, a search in two.

    Of each kind no more rows are read than fit, by the index of state and number.
    """
    kinds = [kind for kind in RecordKind if asked.kind in ("", kind.value)]
    after_kind, colon, after_number = asked.after.partition(":")
    is_first = not colon or after_kind not in kinds
    if not is_first:
        kinds = kinds[[kind.value for kind in kinds].index(after_kind) :]
    keys = few_with(asked.search)
    parts = [
        _of_kind(asked, kind, place, "" if is_first or place else after_number, keys)
        for place, kind in enumerate(kinds)
    ]
    found = list(_together(parts)[: PAGE_SIZE + 1])
    last = found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None
    return Page(found[:PAGE_SIZE], f"{last.kind}:{last.king_id}" if last else "", is_first)


def rejected_counts() -> dict[str, int]:
    """Return how many records of each kind are rejected, for the kinds that have any."""
    rows = RecordLink.objects.filter(kind__in=RecordKind.values, state=RecordLink.State.REJECTED)
    return dict(rows.order_by().values_list("kind").annotate(number=Count("pk")))


def few_with(text: str) -> list[int] | None:
    """Return the keys of the records that a search is about; None when these are so many that no index is needed."""
    return links.keys_with(text, at_most=FEW) if len(text) >= SHORTEST_BY_INDEX else None


def with_text(rows: QuerySet[RecordLink], text: str, *, keys: list[int] | None) -> QuerySet[RecordLink]:
    """Filter by the beginning of a number or any part of a name, ignoring case and accents; `keys` of `few_with`."""
    if keys is not None:
        rows = rows.filter(pk__in=keys)
    is_number = Q(king_id__istartswith=text) | Q(outsmart_id__istartswith=text)
    named = rows.alias(folded_name=searched_text.folded("name"))
    return named.filter(is_number | Q(folded_name__contains=searched_text.folded(Value(text))))


def _of_kind(asked: Wanted, kind: RecordKind, place: int, after: str, keys: list[int] | None) -> QuerySet[RecordLink]:
    # The posted row may be long, and is not shown here.
    rows = RecordLink.objects.defer("sent", "difference").filter(kind=kind.value)
    if asked.state != ALL:
        rows = rows.filter(state=asked.state)
    if asked.search:
        rows = with_text(rows, asked.search, keys=keys)
    if after:
        rows = rows.filter(king_id__gt=after)
    return rows.annotate(place=Value(place)).order_by("king_id")[: PAGE_SIZE + 1]


def _together(parts: Sequence[QuerySet[RecordLink]]) -> QuerySet[RecordLink]:
    first, *others = parts
    return first.union(*others, all=True).order_by(F("place").asc(), "king_id") if others else first
