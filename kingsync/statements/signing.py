"""Sign a month off: store what every work order of it is now, for good."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, Max, Sum
from django.utils import timezone

from kingsync import webhooks
from kingsync.models import tenants
from kingsync.models.api.webhooks import Event
from kingsync.models.audit import actors, trail
from kingsync.models.audit.actions import Action
from kingsync.models.statements.signed import SignedStatement, SignedWorkOrder
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.statements import agreement, counting, digests, evidence
from kingsync.statements.counting import StateSum, Totals
from kingsync.statements.periods import Period

_COLUMNS = ", ".join(evidence.COLUMNS)


class NotSignedError(Exception):
    """The month was not signed."""


class NotBegunError(NotSignedError):
    """The month has not begun."""


class ChangedMeanwhileError(NotSignedError):
    """The month is not what the page showed any more."""


class NotAcceptedError(NotSignedError):
    """Work orders of the month are open or have no date, or it is not over, and this was not accepted."""


@dataclass(frozen=True)
class Shown:
    """What the person who signs has seen: of a month, all that can change in it."""

    totals: Totals
    undated: int

    @property
    def mark(self) -> str:
        """Return a short text that is another one as soon as any sum is."""
        sums = [[each.state, each.count, str(each.amount), each.is_least] for each in self.totals.states]
        return hashlib.sha256(json.dumps([sums, self.undated]).encode()).hexdigest()[:32]

    @property
    def is_everything_settled(self) -> bool:
        return not (self.totals.open or self.undated)


def shown(month: Period) -> Shown:
    return Shown(counting.together(counting.by_day(month).values()), counting.undated().count())


def sign(month: Period, *, by: User, seen: str, accepted: bool, remark: str = "") -> SignedStatement:
    """Store a month as it is now, if it is still as `seen` and what is open in it was `accepted`.

    Raises a `NotSignedError`.
    """
    today = timezone.localdate()
    if not month.is_month or month.first > today:
        raise NotBegunError
    with transaction.atomic():
        # Two who sign at once: the second one signs the next version, of what it is then.
        Tenant.objects.select_for_update(no_key=True).only("pk").get(pk=tenants.current_id())
        statement = _begun(month, by, is_preliminary=not month.is_over(today), remark=remark)
        _store_work_orders(month, statement)
        found = Shown(_totals(statement), counting.undated().count())
        if found.mark != seen:
            raise ChangedMeanwhileError
        if not accepted and (statement.is_preliminary or not found.is_everything_settled):
            raise NotAcceptedError
        _store(statement, found, month)
        _record(statement, by)
    return statement


def _begun(month: Period, by: User, *, is_preliminary: bool, remark: str) -> SignedStatement:
    """Return the next version of the month, not stored yet."""
    earlier = SignedStatement.objects.filter(administration=tenants.current_administration_id(), month=month.first)
    newest = earlier.aggregate(newest=Max("version"))["newest"] or 0
    last = SignedStatement.objects.order_by("-signed_at", "-version").first()
    return SignedStatement(
        tenant_id=tenants.current_id(),
        administration_id=tenants.current_administration_id(),
        month=month.first,
        version=newest + 1,
        is_preliminary=is_preliminary,
        # The database takes work orders of a statement only in the transaction that signs it.
        signed_at=_now(),
        signed_by=by,
        signed_by_name=actors.text_of(by),
        remark=remark.strip(),
        previous_digest=last.digest if last else "",
    )


def _now() -> datetime.datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime.datetime = cursor.fetchone()[0]
    return moment


def _store_work_orders(month: Period, statement: SignedStatement) -> None:
    """Copy the work orders in one statement, so that all are of one moment and none goes through this process."""
    source, parameters = evidence.of(month).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO kingsync_signedworkorder (tenant_id, statement_id, work_order_id, {_COLUMNS}, digest)"  # noqa: S608  (names of columns)
            f" SELECT %s, %s, id, {_COLUMNS}, {digests.OF_ROW} FROM ({source}) AS found",
            [statement.tenant_id, statement.pk, *parameters],
        )


def _totals(statement: SignedStatement) -> Totals:
    rows = SignedWorkOrder.objects.filter(statement_id=statement.pk).order_by().values_list("state")
    partial = Count("pk", filter=WorkOrder.AMOUNT_IS_LEAST)
    found = {state: rest for state, *rest in rows.annotate(number=Count("pk"), sum=Sum("amount"), partial=partial)}
    return Totals(
        [
            StateSum(state, found[state][0], found[state][1], found[state][2] > 0)
            for state in LedgerState
            if state in found
        ]
    )


def _store(statement: SignedStatement, found: Shown, month: Period) -> None:
    statement.total, statement.open_count = found.totals.total, found.totals.open
    statement.undated_count = found.undated
    statement.sums = counting.as_json(found.totals)
    statement.agreement = agreement.of(month).as_json()
    statement.rows_digest = digests.of_rows(statement)
    statement.digest = digests.of_statement(statement)
    statement.save(force_insert=True)


def _record(statement: SignedStatement, by: User) -> None:
    values = {"version": statement.version, "work_orders": statement.total, "open": statement.open_count}
    after = values | {"digest": statement.digest}
    month = f"{statement.month:%Y-%m}"
    trail.record(Action.MONTH_SIGNED, tenant=statement.tenant_id, subject=month, after=after, by=by)
    webhooks.emit(Event.MONTH_SIGNED, {"month": month, "is_preliminary": statement.is_preliminary} | after)
