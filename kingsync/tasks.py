"""All Celery entry points on one screen. A message only says "look at run N": the database is the truth.

What the clock calls (see `kingsync.celery`) runs in the clock's own process, never behind a run.
"""

from __future__ import annotations

import importlib
import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from celery import current_app, shared_task
from celery.signals import worker_process_init
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from kombu.exceptions import KombuError

from kingsync import worker
from kingsync.accounts import session_store
from kingsync.exports.verification import runs as verification_run
from kingsync.imports import import_process
from kingsync.king_mirror import search_index
from kingsync.models import tenants
from kingsync.models.audit import actors
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.notifications import due_tenants, notify, silence, silence_mails
from kingsync.notifications.webhooks import sender
from kingsync.runs import dispatcher, heartbeats, lifecycle, queues, retention
from kingsync.runs.keeping import giving_way
from kingsync.upkeep import audit_retention
from kingsync.upkeep.tenant_data import closing, traces
from kingsync.upkeep.tenant_data.deletion import StillRunningError
from kingsync.upkeep.tenant_data.messages import BrokerAwayError
from kingsync.watch import log_context

if TYPE_CHECKING:
    from kingsync.models.users import User

# Celery's default in every thread, so that pages and commands send to our broker. Who sends nothing loads no Celery.
importlib.import_module("kingsync.celery").app.set_default()

logger = logging.getLogger(__name__)
DATABASE_GONE = (OperationalError, InterfaceError)
# When a message was sent, among its headers: a queue tells no times of its own.
SENT_AT = "kingsync_sent_at"
# Of `ROWS_AT_ONCE` each, in one tick of the clock.
LOOKS_AT_ONCE = 40
PORTION_SECONDS = 1.0
# Less than from one look to the next: e-mails after a problem go before those that all companies get in the morning.
MAIL_SECONDS = 45.0
pace = dispatcher.Pace()
mail_watch = due_tenants.Watch()


@worker_process_init.connect
def prepare_process(**_details: object) -> None:
    """Configure a worker process that runs imports."""
    if queues.QUEUES[RunKind.IMPORT] in current_app.amqp.queues.consume_from:
        import_process.prepare()


def request_run(
    *,
    tenant: Tenant,
    kind: RunKind,
    trigger: SyncRun.Trigger,
    requested_by: User | None = None,
    options: dict[str, object] | None = None,
) -> lifecycle.Requested:
    """Queue a run and send its message once this transaction commits, or join the open one. Raises `NotWantedError`."""
    with tenants.scope(tenant):
        requested = lifecycle.request(kind=kind, trigger=trigger, requested_by=requested_by, options=options)
    if not requested.already_running:
        transaction.on_commit(lambda: _send(requested.run))
    return requested


def request_cancel(run: SyncRun) -> None:
    """Ask a run to stop between two records."""
    with tenants.scope(run.tenant_id):
        lifecycle.request_cancel(run)


def _send(run: SyncRun) -> bool:
    return _send_all([run])


def _send_all(runs: Sequence[SyncRun]) -> bool:
    """Send the messages of runs. If the broker is away (False) those left wait until `_send_unsent` succeeds."""
    sent = _publish(runs)
    lifecycle.mark_sent(runs[:sent], is_sent=True)
    lifecycle.mark_sent(runs[sent:], is_sent=False)
    return sent == len(runs)


def _publish(runs: Sequence[SyncRun]) -> int:
    """Publish one message after the other; return how many the broker accepted."""
    sent = 0
    try:
        with run_sync.app.connection_for_write(transport_options=settings.BROKER_PUBLISH_OPTIONS) as connection:
            for run in runs:
                # The type stubs lack `connection`.
                run_sync.apply_async(  # type: ignore[call-arg]
                    kwargs={"run_id": run.pk, "tenant_id": run.tenant_id},
                    queue=_queue(run),
                    priority=_priority(run),
                    expires=queues.MESSAGE_SECONDS,
                    headers={SENT_AT: timezone.now().isoformat()},
                    connection=connection,
                    retry=False,
                )
                sent += 1
    except _broker_away() as error:
        logger.warning("broker.away: %s runs wait (%s)", len(runs) - sent, type(error).__name__)
    return sent


def _queue(run: SyncRun) -> str:
    """Return where a run is worked on: imports have a process each, an export has only a thread."""
    return queues.QUEUES[RunKind.IMPORT if lifecycle.needs_process(run) else RunKind(run.kind)]


def _priority(run: SyncRun) -> int:
    """Return the place in the queue: what a person waits for begins first; its later slices take turns with others."""
    is_waited_for = run.trigger != SyncRun.Trigger.SCHEDULE and run.attempt == 0
    return queues.FIRST if is_waited_for else queues.USUAL


def _broker_away() -> tuple[type[Exception], ...]:
    """Return what is raised when the broker does not answer."""
    return KombuError, *queues.is_away()


def _send_unsent() -> None:
    """Send what the broker did not accept before; stop at the first that it still does not accept."""
    runs = lifecycle.unsent_runs()
    if runs:
        _send_all(runs)


def _for_each(
    what: str, tenant_ids: Collection[int], work: Callable[[Tenant], None], *, seconds: float = math.inf
) -> None:
    """Call the function in the scope of each of these tenants; an error in one does not affect the others.

    None is begun when this has lasted for so long.
    """
    ends_at = time.monotonic() + seconds
    found = Tenant.objects.in_bulk(tenant_ids) if tenant_ids else {}
    for tenant in (found[each] for each in tenant_ids if each in found):
        with log_context.bound(tenant=tenant.slug):
            _guarded(what, tenant, work)
        if time.monotonic() >= ends_at:
            return


def _guarded(what: str, tenant: Tenant, work: Callable[[Tenant], None]) -> None:
    try:
        with actors.acting(actors.CLOCK), tenants.scope(tenant):
            work(tenant)
    except DATABASE_GONE:
        raise
    except Exception:
        logger.exception("%s: tenant %s was passed over", what, tenant.slug)


@shared_task
def run_sync(*, run_id: int, tenant_id: int) -> None:
    """Work on a run for one slice, and queue it again when there is more."""
    with actors.acting(actors.CLOCK), tenants.scope(tenant_id):
        worked = worker.work_slice(
            run_id,
            slice_seconds=settings.RUN_SLICE_SECONDS,
            limit_seconds=settings.CELERY_TASK_TIME_LIMIT,
            gives_way=_does_a_person_wait,
        )
        if worked.more:
            _send(SyncRun.objects.get(pk=run_id))


def _does_a_person_wait() -> bool:
    """Return whether a slice of this worker is to end, so that what a person pressed begins in its place."""
    return giving_way.of_this_process().is_asked(current_app.amqp.queues.consume_from)


@shared_task(expires=60)
def start_due_runs() -> None:
    """Queue the runs that are due by each tenant's schedule, and send what the broker did not accept before."""
    heartbeats.note_broker()
    _send_unsent()
    at_most = pace.allowed()
    for _ in range(LOOKS_AT_ONCE):
        started = dispatcher.start_due(now=timezone.now(), at_most=at_most)
        if started.runs:
            _send_all(started.runs)
        at_most -= len(started.runs)
        if not started.is_more:
            return


@shared_task(expires=60)
def check_schedule() -> None:
    """Look at the schedule of every tenant, in case something changed that the database did not mark."""
    dispatcher.reconcile(now=timezone.now())


@shared_task(expires=60)
def sweep() -> None:
    """Send runs again whose message or worker was lost."""
    runs = lifecycle.silent_runs(busy=_busy())
    if runs:
        lifecycle.mark_resent(runs)
        _send_all(runs)


def _busy() -> Collection[RunKind]:
    """Return the kinds of runs whose messages wait for a worker; none when the broker does not answer."""
    try:
        with queues.asked_once() as broker:
            return queues.busy(broker)
    except queues.is_away():
        return ()


@shared_task(expires=60)
def send_notifications() -> None:
    """Send each tenant the e-mail that it is due for, if any; those that no time is left for at the next look."""

    def work(tenant: Tenant) -> None:
        if notify.send_due(now=timezone.now()):
            mail_watch.done(tenant.pk)

    _for_each("notices.failed", mail_watch.look(now=timezone.now()), work, seconds=MAIL_SECONDS)


@shared_task(expires=60)
def send_webhooks() -> None:
    """Let threads of this process send what is due to webhooks; none of them is waited for."""
    sender.submit_due(now=timezone.now())


@shared_task(expires=60)
def watch_silence() -> None:
    """Notice tenants and parts that fell silent or work again, and send what e-mails are due about it."""

    def work(tenant: Tenant) -> None:
        if silence.watch(now=timezone.now()):
            silence_mails.mail_owners(tenant, now=timezone.now())

    _for_each("silence.failed", silence.doubtful(now=timezone.now()), work)
    silence_mails.mail_operators(now=timezone.now())


@shared_task(expires=60)
def verify_exported() -> None:
    """Verify a portion of each tenant's exported work orders."""
    _for_each("verification.failed", verification_run.tenants_due(), lambda _tenant: verification_run.by_clock())


class _Portions:
    """Lets the database rest for a second after each second of long work."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def pause(self) -> None:
        if time.monotonic() - self._began >= PORTION_SECONDS:
            time.sleep(PORTION_SECONDS)
            self._began = time.monotonic()


@shared_task(expires=60)
def fill_search() -> None:
    """Let the search find records by its index that were imported since."""
    portions = _Portions()
    while search_index.catch_up():
        portions.pause()


@shared_task
def purge_old() -> None:
    """Purge old runs, log entries and entries of the audit trail, sessions that are over, and old login attempts."""
    session_store.purge_old()
    retention.purge_login_tries(now=timezone.now())
    with_old = retention.tenants_with_old(now=timezone.now())
    portions = _Portions()

    def work(_tenant: Tenant) -> None:
        portions.pause()
        retention.purge_old(now=timezone.now(), rest=portions.pause)

    _for_each("retention.failed", with_old, work)
    with actors.acting(actors.CLOCK):
        audit_retention.purge_old(now=timezone.now())


@shared_task(expires=60)
def delete_closed() -> None:
    """Delete the tenants whose time of grace is over, and complete deletions that were interrupted."""
    for tenant in closing.due(now=timezone.now()):
        try:
            with actors.acting(actors.CLOCK):
                deleted = closing.carry_out(tenant, wait_seconds=closing.CLOCK_WAIT_SECONDS)
            found = traces.search(deleted.marks)
        except DATABASE_GONE:
            raise
        except (StillRunningError, BrokerAwayError, OSError) as error:
            logger.warning("tenant.not_deleted: tenant %s waits (%s)", tenant.slug, type(error).__name__)
        except Exception:
            logger.exception("deletion.failed: tenant %s was passed over", tenant.slug)
        else:
            if found.left:
                logger.error("tenant.traces: of tenant %s there is still %s", tenant.slug, found.left)
