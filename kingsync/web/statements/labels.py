"""What statements say, in the reader's language: on the pages and in the files."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from kingsync.models.statements.signed import SignedStatement
from kingsync.statements.agreement import Agreement, WithKing, WithOutSmart
from kingsync.statements.changes import Changes, Kind
from kingsync.statements.periods import Period, month_of


def name_of(period: Period) -> str:
    """Return "November 2026", or "17 November 2026", as within a sentence."""
    return date_format(period.first, "F Y" if period.is_month else "j F Y")


def name_of_signed(statement: SignedStatement) -> str:
    return name_of(month_of(statement.month))


def version_of(statement: SignedStatement) -> str:
    text = gettext("version %(version)s") % {"version": statement.version}
    preliminary = gettext("preliminary")
    return f"{text}, {preliminary}" if statement.is_preliminary else text


def of_changes(found: Changes) -> Iterator[str]:
    """Yield how many work orders changed since the month was signed, in which way."""
    counts = found.counts
    if count := counts.get(Kind.NEW):
        yield ngettext("%(count)s new work order", "%(count)s new work orders", count) % {"count": count}
    if count := counts.get(Kind.LEFT):
        yield ngettext("%(count)s work order with another date", "%(count)s work orders with another date", count) % {
            "count": count
        }
    if count := counts.get(Kind.STATE):
        yield ngettext("%(count)s work order in another state", "%(count)s work orders in another state", count) % {
            "count": count
        }
    if count := counts.get(Kind.AMOUNT):
        yield ngettext(
            "%(count)s work order with another amount", "%(count)s work orders with another amount", count
        ) % {"count": count}


def of_kind(kind: Kind) -> str:
    return {
        Kind.NEW: gettext("new"),
        Kind.LEFT: gettext("another date"),
        Kind.STATE: gettext("another state"),
        Kind.AMOUNT: gettext("another amount"),
    }[kind]


def of_agreement(found: Agreement) -> Iterator[tuple[str, str]]:
    """Yield what was compared with which system, and what came of it."""
    for sentence in _with_outsmart(found.outsmart):
        yield "OutSmart", sentence
    for sentence in _with_king(found.king):
        yield "King", sentence


def _with_outsmart(found: WithOutSmart) -> Iterator[str]:
    if found.asked_at is None:
        yield gettext("OutSmart has not been asked for its work orders yet.")
    else:
        yield _listed(found)
        yield _unseen(found)
    if found.exported:
        yield gettext("%(compared)s of %(exported)s exported work orders were read again after the export.") % {
            "compared": found.compared,
            "exported": found.exported,
        }
        if found.changed:
            text = ngettext(
                "%(count)s of them was changed in OutSmart since.",
                "%(count)s of them were changed in OutSmart since.",
                found.changed,
            )
            yield text % {"count": found.changed}


def _listed(found: WithOutSmart) -> str:
    text = ngettext(
        "Last asked %(when)s: %(count)s work order was ready for King, of all dates.",
        "Last asked %(when)s: %(count)s work orders were ready for King, of all dates.",
        found.listed,
    )
    return text % {"when": _moment(found.asked_at), "count": found.listed}


def _unseen(found: WithOutSmart) -> str:
    if not found.unseen:
        return gettext("All of them are in kingsync.")
    text = ngettext(
        "%(count)s of them is not in kingsync yet.", "%(count)s of them are not in kingsync yet.", found.unseen
    ) % {"count": found.unseen}
    heading = gettext("OutSmart numbers:")
    return f"{text} {heading} {', '.join(found.named)}" if found.named else text


def _moment(at: datetime.datetime | None) -> str:
    """Return a moment with its date, also today: what was signed is read later."""
    return date_format(timezone.localtime(at), "j F Y H:i") if at else ""


def _with_king(found: WithKing) -> Iterator[str]:
    if not found.in_king:
        yield gettext("No work orders with a King order.")
        return
    yield gettext("%(checked)s of %(count)s work orders with a King order were read back from King.") % {
        "checked": found.checked,
        "count": found.in_king,
    }
    if found.last_checked_at:
        yield gettext("The first check was %(first)s, the last one %(last)s.") % {
            "first": _moment(found.first_checked_at),
            "last": _moment(found.last_checked_at),
        }
    if found.closed:
        text = ngettext(
            "%(count)s of them is on an order that King has closed.",
            "%(count)s of them are on orders that King has closed.",
            found.closed,
        )
        yield text % {"count": found.closed}
    text = ngettext("%(count)s of them differs in King.", "%(count)s of them differ in King.", found.differing)
    yield text % {"count": found.differing} if found.differing else gettext("None of them differs in King.")
