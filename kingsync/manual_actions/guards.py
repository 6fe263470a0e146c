"""Guards shared by all manual actions: who may act when, what is stored, and how a refusal is reported."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from django.db import transaction
from django.utils import timezone

from integrations.king.client import Client as KingClient
from kingsync.models import tenants
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.connections import System
from kingsync.models.runs import RunKind
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from kingsync.rules import limits
from kingsync.rules.outcomes import reason
from kingsync.runs import clients, lease
from kingsync.runs.refusals import RefusedError

if TYPE_CHECKING:
    from kingsync.models.users import User

Person: TypeAlias = "User | str"

REASON_LENGTH = 500
PATIENCE_SECONDS = 1.0


# --- Refusals --------------------------------------------------------------------------------------------------------


class ActionRefusedError(RefusedError):
    """A manual action was refused and nothing was changed."""


class ExportGoingOnError(ActionRefusedError):
    """A worker is running the tenant's exports."""


class NotNamedError(ActionRefusedError):
    """The name of the person is empty."""


class ReasonNeededError(ActionRefusedError):
    """The reason is missing, or longer than we store."""


class UnknownWorkOrderError(ActionRefusedError):
    """The tenant's ledger has no such row."""


class WrongStateError(ActionRefusedError):
    """The work order is not in a state that allows this action."""


class NothingToReleaseError(ActionRefusedError):
    """A release does not lift what stops the work order."""


class NothingToSolveError(ActionRefusedError):
    """No line of the work order was changed on both sides."""


class ChoiceNeededError(ActionRefusedError):
    """A conflict has no choice, or one that is not possible."""


class StillAtWorkError(ActionRefusedError):
    """A call to King whose answer was lost may still be running."""


class AlreadyLinkedError(ActionRefusedError):
    """The work order has a King order."""


class NoSuchOrderError(ActionRefusedError):
    """King has no open order of this number."""


class OtherCustomerError(ActionRefusedError):
    """The King order is of another customer, and no one approved that."""


class StillInKingError(ActionRefusedError):
    """King has an open order of this work order, or lines of it; resetting the link would create a duplicate."""


class OrderNotOpenError(ActionRefusedError):
    """The King order is delivered, invoiced or deleted; King does not say which."""


class ChangedMeanwhileError(ActionRefusedError):
    """The work order changed while King was asked."""


# --- Steps ------------------------------------------------------------------------------------------------------------


@contextmanager
def king_client() -> Iterator[KingClient]:
    """Return the tenant's King client. Raises `NotConnectedError`, `DecryptionError`; its calls `IntegrationError`."""
    connection = clients.connection_of(System.KING)
    with clients.transport_of(connection) as transport:
        yield clients.king(connection, transport)


@contextmanager
def alone() -> Iterator[None]:
    """Open a transaction during which no worker runs the tenant's exports."""
    kind = RunKind.EXPORT
    with lease.worker_lock(tenants.current_id(), kind, patience_seconds=PATIENCE_SECONDS) as is_ours:
        if not is_ours:
            raise ExportGoingOnError(reason("decision.export_going_on"))
        with transaction.atomic():
            if not tenants.is_scope_of_present():
                raise ChangedMeanwhileError(reason("decision.changed_meanwhile"))
            yield


def name_of(person: Person) -> str:
    """Return the name to store with a decision; raises `NotNamedError`."""
    name = person if isinstance(person, str) else person.display_name
    if not name.strip():
        raise NotNamedError(reason("decision.name_needed"))
    return name.strip()[: limits.EMAIL]


def checked_reason(text: str, *, is_required: bool = False) -> str:
    text = text.strip()
    if len(text) > REASON_LENGTH or (is_required and not text):
        raise ReasonNeededError(reason("decision.reason_needed", length=str(REASON_LENGTH)))
    return text


def locked(keys: Iterable[int]) -> dict[int, WorkOrder]:
    """Return the rows of the ledger, locked until the end of the transaction."""
    found = WorkOrder.objects.select_for_update().defer("source").filter(pk__in=list(keys))
    return {row.pk: row for row in found.order_by("pk")}


def locked_whole(key: int) -> WorkOrder | None:
    """Return a row of the ledger with the work order as read, locked until the end of the transaction."""
    return WorkOrder.objects.select_for_update().filter(pk=key).first()


def locked_as_seen(seen: WorkOrder) -> WorkOrder:
    row = require_known(locked([seen.pk]).get(seen.pk))
    if _marks(row) != _marks(seen):
        raise ChangedMeanwhileError(reason("decision.changed_meanwhile"))
    return row


def _marks(row: WorkOrder) -> tuple[object, ...]:
    return row.state, row.step, row.king_order_number, row.attempts, row.last_run_id, row.outcome_unknown_until


def reread(work_order: WorkOrder) -> WorkOrder:
    return require_known(WorkOrder.objects.defer("source").filter(pk=work_order.pk).first())


def require_known(row: WorkOrder | None) -> WorkOrder:
    if row is None:
        raise UnknownWorkOrderError(reason("decision.unknown_work_order"))
    return row


def require(row: WorkOrder, states: frozenset[LedgerState]) -> None:
    if row.state not in states:
        raise WrongStateError(reason("decision.wrong_state", state=str(LedgerState(row.state).label)))


def require_not(row: WorkOrder, states: frozenset[LedgerState]) -> None:
    require(row, frozenset(LedgerState) - states)


def require_settled(row: WorkOrder) -> None:
    until = row.outcome_unknown_until
    if until and until > timezone.now():
        local_time = timezone.localtime(until + datetime.timedelta(seconds=1))
        raise StillAtWorkError(reason("decision.not_settled", time=f"{local_time:%H:%M:%S}"))


def save_actions(
    rows: list[WorkOrder], kind: ManualAction.Kind, by: Person, *, text: str = "", number: str = ""
) -> list[ManualAction]:
    """Store a decision about each of these work orders, before its state changes, and in the audit trail."""
    trail.record_many(_entry(row, kind, by, text=text, number=number) for row in rows)
    return ManualAction.objects.bulk_create(
        ManualAction(
            tenant_id=row.tenant_id,
            work_order=row,
            kind=kind,
            reason=text,
            king_order_number=number,
            state_before=row.state,
            decided_by=None if isinstance(by, str) else by,
            decided_by_name=name_of(by),
        )
        for row in rows
    )


def _entry(row: WorkOrder, kind: ManualAction.Kind, by: Person, *, text: str, number: str) -> AuditEntry:
    after = {"decision": str(kind), "reason": text, "king_order_number": number}
    return trail.entry(
        Action.DECIDED,
        tenant=row.tenant_id,
        subject=row.outsmart_id,
        before={"state_before": str(row.state)},
        after={name: value for name, value in after.items() if value},
        by=name_of(by) if isinstance(by, str) else by,
    )
