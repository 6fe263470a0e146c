"""Background calls for pages, made by threads of this process: docs/decisions/0013-pages-never-call.md."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from integrations import deadlines
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.audit import actors
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import refusals
from kingsync.runs.thread_pool import Pool, PoolFullError

if TYPE_CHECKING:
    from kingsync.models.users import User

logger = logging.getLogger(__name__)

Kind = BackgroundCall.Kind
State = BackgroundCall.State
Result = dict[str, Any]
Work = Callable[[BackgroundCall], Result]

OPEN_PER_TENANT = 3
# Time limit for the calls to the other system together, retries included.
CALLS_SECONDS = 20.0
WAIT, LONGEST = datetime.timedelta(seconds=60), datetime.timedelta(seconds=180)
# Connection checks go to addresses that people type: a limit per minute.
TESTS = (Kind.TEST, Kind.SWITCH)
TESTS_PER_PERSON, TESTS_PER_TENANT, TEST_WINDOW = 10, 20, datetime.timedelta(minutes=1)
KEPT = datetime.timedelta(days=1)

pool = Pool()


class CallRefusedError(Exception):
    """There is no room for another background call now; `why` is the reason for users."""

    def __init__(self, why: Reason) -> None:
        super().__init__(why.code)
        self.why = why


def submit(
    kind: Kind,
    work: Work,
    *,
    by: User,
    parameters: Mapping[str, Any] | None = None,
    work_order: WorkOrder | None = None,
    asked: object = None,
) -> BackgroundCall:
    """Run `work` in the background for the current tenant; return the call to follow.

    The same question of the same person that is still open is not asked twice. `asked` is what else distinguishes a
    question and is not stored: typed values, including secrets. Raises `CallRefusedError`.
    """
    row = work_order.pk if work_order else None
    key = salted_hmac("kingsync.background", msgspec.json.encode([kind, row, parameters, asked])).hexdigest()[:64]
    with transaction.atomic():
        tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenants.current_id())  # one press at a time
        if tenant.closing_at is not None:
            raise CallRefusedError(reason("closing"))
        _forget_old(now=timezone.now())
        same = _open().filter(requested_by=by, key=key).first()
        if same is not None:
            return same
        _require_room(kind, by, now=timezone.now())
        call = _created(kind, key, by, dict(parameters or {}), work_order)
    _hand_over(call, work)
    return call


def _open() -> models.QuerySet[BackgroundCall]:
    return BackgroundCall.objects.filter(state__in=BackgroundCall.OPEN)


def _forget_old(*, now: datetime.datetime) -> None:
    """End abandoned calls, whose process died, and delete old ones."""
    problem = stored(reason("call.interrupted"))
    _open().filter(expires_at__lte=now).update(state=State.ENDED, key="", result={"problem": problem})
    purge_old(now=now)


def purge_old(*, now: datetime.datetime) -> None:
    BackgroundCall.objects.filter(requested_at__lt=now - KEPT).delete()


def _require_room(kind: Kind, by: User, *, now: datetime.datetime) -> None:
    if _open().count() >= OPEN_PER_TENANT:
        raise CallRefusedError(reason("call.busy"))
    tests = BackgroundCall.objects.filter(kind__in=TESTS, requested_at__gt=now - TEST_WINDOW)
    is_too_often = tests.filter(requested_by=by).count() >= TESTS_PER_PERSON or tests.count() >= TESTS_PER_TENANT
    if kind in TESTS and is_too_often:
        raise CallRefusedError(reason("call.too_often"))


def _created(
    kind: Kind, key: str, by: User, parameters: dict[str, Any], work_order: WorkOrder | None
) -> BackgroundCall:
    now = timezone.now()
    call = BackgroundCall(
        kind=kind,
        key=key,
        work_order=work_order,
        parameters=parameters,
        requested_by=by,
        requested_at=now,
        expires_at=now + WAIT,
    )
    call.save()
    return call


def _hand_over(call: BackgroundCall, work: Work) -> None:
    """Hand the work to a thread once its row is stored; raises `CallRefusedError` when too much is queued."""
    call_id, tenant_id = call.pk, call.tenant_id
    actor = actors.current(call.requested_by)

    def job() -> None:
        with actors.acting(actor):
            carry_out(call_id, tenant_id=tenant_id, work=work)

    try:
        pool.submit(job)
    except PoolFullError:
        call.delete()
        raise CallRefusedError(reason("call.busy")) from None


# --- In the thread ----------------------------------------------------------------------------------------------------


def carry_out(call_id: int, *, tenant_id: int, work: Work) -> None:
    """Do the work of a call, once, and store the result. Does nothing when it waited too long."""
    with tenants.scope(tenant_id):
        call = _claimed(call_id)
        if call is None:
            return
        result = _result(call, work)
        running = BackgroundCall.objects.filter(pk=call_id, state=State.RUNNING)
        running.update(state=State.ENDED, key="", result={"problem": None} | result)


def _claimed(call_id: int) -> BackgroundCall | None:
    now = timezone.now()
    waiting = BackgroundCall.objects.filter(pk=call_id, state=State.QUEUED, expires_at__gt=now)
    if not waiting.update(state=State.RUNNING, expires_at=now + LONGEST):
        return None
    return BackgroundCall.objects.select_related("tenant", "requested_by", "work_order").get(pk=call_id)


def _result(call: BackgroundCall, work: Work) -> Result:
    try:
        if not _may_still(call):
            return _refused(reason("call.not_allowed"))
        with deadlines.within(CALLS_SECONDS):
            return work(call)
    except refusals.REFUSALS as error:
        return _refused(refusals.why(error))
    except Exception:  # the page that follows it must see an end, whatever broke
        logger.exception("background call %s failed", call.pk)
        return _refused(reason("call.broken"))


def _may_still(call: BackgroundCall) -> bool:
    """Return whether the person still has the required role: it may be lost while a call waits."""
    person = call.requested_by
    return person.is_active and tenants.role_of(person, call.tenant) in tenants.EDITING


def _refused(why: Reason) -> Result:
    return {"problem": stored(why)}
