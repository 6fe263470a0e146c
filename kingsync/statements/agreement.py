"""Whether the ledger agrees with OutSmart's own list and with what King has, as far as they were asked. No calls."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, Max, Min, Q

from kingsync.exports.overview import at_trigger
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.statements import counting, evidence
from kingsync.statements.periods import Period


@dataclass(frozen=True)
class WithOutSmart:
    """OutSmart's list when it was last asked, of all days; and how many of the period were read again since.

    `unseen` are on the list and not in the ledger; `named` are OutSmart's numbers of some of them.
    """

    asked_at: datetime.datetime | None
    run_id: int | None
    listed: int
    unseen: int
    named: tuple[str, ...]
    exported: int
    compared: int
    compared_at: datetime.datetime | None
    changed: int


@dataclass(frozen=True)
class WithKing:
    """The work orders of the period that have an order in King, read back since it was written."""

    in_king: int
    checked: int
    closed: int
    differing: int
    first_checked_at: datetime.datetime | None
    last_checked_at: datetime.datetime | None

    @property
    def unchecked(self) -> int:
        return self.in_king - self.checked


@dataclass(frozen=True)
class Agreement:
    outsmart: WithOutSmart
    king: WithKing

    @property
    def is_complete(self) -> bool:
        """Return whether nothing is missing and nothing differs, as far as both were asked."""
        king, outsmart = self.king, self.outsmart
        return not (outsmart.unseen or outsmart.changed or king.differing or king.unchecked) and bool(outsmart.asked_at)

    def as_json(self) -> dict[str, Any]:
        return {"outsmart": _plain(asdict(self.outsmart)), "king": _plain(asdict(self.king))}


def of(period: Period) -> Agreement:
    rows = counting.work_orders(period).order_by()
    return Agreement(_with_outsmart(rows.filter(exported_at__isnull=False)), _with_king(rows))


def from_json(stored: dict[str, Any]) -> Agreement:
    """Return what `Agreement.as_json` made."""
    outsmart, king = _rich(stored["outsmart"]), _rich(stored["king"])
    return Agreement(WithOutSmart(**outsmart | {"named": tuple(outsmart["named"])}), WithKing(**king))


def _with_outsmart(exported: Any) -> WithOutSmart:
    listed = at_trigger.at_trigger()
    found = exported.aggregate(
        exported=Count("pk"),
        compared=Count("pk", filter=Q(verified_at__isnull=False)),
        compared_at=Max("verified_at"),
        changed=Count("pk", filter=Q(state=LedgerState.CHANGED)),
    )
    if listed is None:
        return WithOutSmart(asked_at=None, run_id=None, listed=0, unseen=0, named=(), **found)
    named, unseen = listed.named, listed.unseen
    return WithOutSmart(listed.asked_at, listed.run_id, listed.listed, unseen, named, **found)


def _with_king(rows: Any) -> WithKing:
    has_order = Q(king_order_number__isnull=False, state__in=[*WorkOrder.COMPLETE, LedgerState.INCOMPLETE])
    found = rows.alias(differs=evidence.differs_in_king()).aggregate(
        in_king=Count("pk", filter=has_order),
        checked=Count("pk", filter=has_order & Q(king_checked_at__isnull=False)),
        closed=Count("pk", filter=has_order & Q(king_closed_at__isnull=False)),
        differing=Count("pk", filter=has_order & Q(differs=True)),
        first_checked_at=Min("king_checked_at", filter=has_order),
        last_checked_at=Max("king_checked_at", filter=has_order),
    )
    return WithKing(**found)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if name.endswith("_at") and value else value for name, value in values.items()}


def _rich(values: dict[str, Any]) -> dict[str, Any]:
    parse = datetime.datetime.fromisoformat
    return {name: parse(value) if name.endswith("_at") and value else value for name, value in values.items()}
