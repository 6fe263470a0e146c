"""The Celery application and the beat schedule."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import ExitStack
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import (
    beat_init,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)

from kingsync import __version__
from kingsync.parents_death import signal_at_parents_death
from kingsync.watch import log_context

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kingsync.settings")

logger = logging.getLogger(__name__)
# What is bound while a task runs, by its id.
_names: dict[str, ExitStack] = {}

app = Celery("kingsync")
app.config_from_object("kingsync.celery_settings")
app.autodiscover_tasks(["kingsync"])
# Celery would end the session with the database before and after each task: opening one takes longer than an idle run.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize

# Run in the clock's own process (`kingsync.clock`): in a queue they would wait behind runs.
app.conf.beat_schedule = {
    "start due runs": {"task": "kingsync.tasks.start_due_runs", "schedule": 5.0},
    "check schedule": {"task": "kingsync.tasks.check_schedule", "schedule": 600.0},
    "sweep": {"task": "kingsync.tasks.sweep", "schedule": 15.0},
    "send notifications": {"task": "kingsync.tasks.send_notifications", "schedule": 60.0},
    "send webhooks": {"task": "kingsync.tasks.send_webhooks", "schedule": 5.0},
    "watch silence": {"task": "kingsync.tasks.watch_silence", "schedule": 300.0},
    "verify exported": {"task": "kingsync.tasks.verify_exported", "schedule": 900.0},
    "fill search": {"task": "kingsync.tasks.fill_search", "schedule": 60.0},
    # At fixed times, not by interval: an interval would start over with every restart.
    "purge old": {"task": "kingsync.tasks.purge_old", "schedule": crontab(hour="3", minute="20")},
    "delete closed": {"task": "kingsync.tasks.delete_closed", "schedule": crontab(minute="50")},
}


@worker_init.connect
def _wait_for_the_schema(**_details: object) -> None:
    from django.db import connections  # noqa: PLC0415 - Django is set up by now

    from kingsync.runs import schema  # noqa: PLC0415

    schema.wait_until_complete()
    connections.close_all()  # the pool's processes must not share it


@task_prerun.connect
@task_postrun.connect
def _keep_sound_sessions(**_details: object) -> None:
    """Keep the process's session, as a web process does: until it is old (`CONN_MAX_AGE`) or does not answer.

    A thread's is lent to others until it has work again.
    """
    from django.db import close_old_connections  # noqa: PLC0415 - Django is set up by now

    from kingsync.database import lending  # noqa: PLC0415

    close_old_connections()
    lending.rest()


@worker_ready.connect
def _do_what_threads_need(sender: object = None, **_details: object) -> None:
    """Do for a worker of threads what a pool of processes does by `worker_process_init`."""
    from kingsync import thread_worker  # noqa: PLC0415 - Django is set up by now

    if thread_worker.is_one(sender):
        thread_worker.prepare()
        thread_worker.wake_when_a_thread_is_free(sender)


@worker_ready.connect
def _keep_beating(**_details: object) -> None:
    from kingsync import tasks  # noqa: PLC0415 - Django is set up by now
    from kingsync.runs import heartbeats  # noqa: PLC0415

    logger.info("worker.started: a worker of kingsync %s", __version__)
    heartbeats.keep_beating(app.amqp.queues.consume_from, without_clock=tasks.watch_silence)


@worker_process_init.connect
def _die_with_the_worker(**_details: object) -> None:
    """Kill a pool process whose worker was killed: another worker may take over its run."""
    signal_at_parents_death(signal.SIGKILL)


@beat_init.connect
@worker_process_init.connect
def _keep_counting(**_details: object) -> None:
    """Write the counts of this process from now on."""
    from kingsync.watch.tallies import keeper  # noqa: PLC0415 - Django is set up by now

    keeper.start()


@worker_shutdown.connect
@worker_process_shutdown.connect
def _finish_watching(**_details: object) -> None:
    """Write and send what is left: a process of the pool ends without Python's own exit."""
    from kingsync.watch import ending  # noqa: PLC0415 - Django is set up by now

    ending.finish()


@task_prerun.connect
def _name_task(task_id: str = "", task: Any = None, **_details: object) -> None:
    """Name the task in the log lines that it causes."""
    _names[task_id] = names = ExitStack()
    names.enter_context(log_context.bound(task=str(task.name).rpartition(".")[2], task_id=task_id))


@task_postrun.connect
def _forget_task(task_id: str = "", **_details: object) -> None:
    if names := _names.pop(task_id, None):
        names.close()
