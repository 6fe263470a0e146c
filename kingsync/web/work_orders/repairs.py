"""The causes as their page shows them: what to do, by whom, and which actions apply to all that a cause stops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from integrations.outsmart.records import WorkOrder as Source
from kingsync.exports import ledger
from kingsync.exports.overview import causes
from kingsync.exports.overview.causes import Affected, Cause
from kingsync.exports.verdict import LIFTED_BY_RELEASE
from kingsync.messages.advice import table
from kingsync.messages.advice.answer import NOBODY, Advice
from kingsync.models import sync_settings, tenants
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.rules import review
from kingsync.web.shared import money
from kingsync.web.work_orders import record_names
from kingsync.web.work_orders.record_names import Names

# A state that no retry picks up.
NOT_RETRIED = frozenset({"changed_after_export", "order_delivered", "deleted_with_order"})
# Their sentence says already what to do.
_SAID = frozenset(
    {
        *("no_debtor", "unknown_debtor", "blocked_debtor", "no_warehouse", "line_text_too_long", "several_orders"),
        *("unknown_order", "order_of_other_customer", "order_busy_long", "deleted_in_outsmart", "never_at_trigger"),
        *("in_former_administration", "excluded_in_former_administration", "restored_may_be_in_king"),
        *("line_conflict", "move_from_closed_order", "move_of_changed_lines", *review.CODES),
    }
)
# Only the work orders have a name for these.
_UNKNOWN_TO_KING = frozenset({"unknown_debtor", "unknown_article"})
# So many causes of that kind are named.
NAMED_FROM_WORK_ORDERS = 50


@dataclass(frozen=True)
class Repair:
    """A cause as the page shows it."""

    cause: Cause
    names: Names

    @property
    def advice(self) -> Advice:
        return table.of(self.cause.code)

    @property
    def setting_label(self) -> str:
        """The setting that would solve it, as the settings page names it; "" if there is none."""
        return sync_settings.label(self.advice.setting) if self.advice.setting else ""

    @property
    def sentence(self) -> str:
        """The cause, with the names beside its numbers."""
        return causes.sentence_of(self.cause.code, self._params)

    @property
    def step(self) -> str:
        """What to do; "" where the sentence says it."""
        is_said = self.cause.code in _SAID or self.advice.place == NOBODY
        return "" if is_said else self.advice.step_for(self._params)

    @property
    def _params(self) -> dict[str, str]:
        return self.names.in_params(self.cause.params)

    @property
    def amount(self) -> str:
        """What its work orders come to; "" if no price is known."""
        known = self.cause.amount
        is_unknown = known is None or (known == 0 and self.cause.is_amount_least)
        return "" if is_unknown else money.total(known, is_least=self.cause.is_amount_least)

    @property
    def is_taken_up_again(self) -> bool:
        """True when the next export takes up by itself what was repaired."""
        return self.cause.code not in NOT_RETRIED

    @property
    def goes_along(self) -> bool:
        """True when it goes to King once the step was taken: what is excluded does not."""
        return self.is_taken_up_again and self.advice.actions[:1] != (ManualAction.Kind.EXCLUDE,)

    @property
    def kinds(self) -> list[ManualAction.Kind]:
        """The actions that apply here to all that it stops."""
        found = [ManualAction.Kind.RETRY] if self.is_taken_up_again else []
        if self.cause.code in LIFTED_BY_RELEASE:
            found += [ManualAction.Kind.RELEASE, ManualAction.Kind.EXCLUDE]
        return found

    @property
    def work_orders(self) -> list[Affected]:
        return self.cause.work_orders

    @property
    def more(self) -> int:
        """How many work orders it stops beyond those listed."""
        return self.cause.count - len(self.cause.work_orders)


def of(found: Iterable[Cause]) -> list[Repair]:
    """Return the causes for the page, with the names of what they are about, in two queries."""
    found = list(found)
    records = {record for cause in found for record in record_names.named_in(cause.params)}
    sources = _sources(cause for cause in found if cause.code in _UNKNOWN_TO_KING)
    present = tenants.current_administration_id()
    names = record_names.read(records, sources=sources, administration_id=present)
    return [Repair(cause, names) for cause in found]


def _sources(found: Iterable[Cause]) -> list[Source]:
    """Return the newest work order of each of the biggest causes."""
    keys = [cause.newest[0] for cause in found][:NAMED_FROM_WORK_ORDERS]
    rows = WorkOrder.objects.filter(pk__in=keys).only("source") if keys else []
    return [source for source in map(ledger.source_of, rows) if source]
