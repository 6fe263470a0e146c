"""The Celery application and the beat schedule."""

from __future__ import annotations

import logging
import os
import signal

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_init, worker_process_init, worker_ready

from kingsync import __version__
from kingsync.parents_death import signal_at_parents_death

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kingsync.settings")

logger = logging.getLogger(__name__)

app = Celery("kingsync")
app.config_from_object("kingsync.celery_settings")
app.autodiscover_tasks(["kingsync"])

# Run in the clock's own process (`kingsync.clock`): in a queue they would wait behind runs.
app.conf.beat_schedule = {
    "start due runs": {"task": "kingsync.tasks.start_due_runs", "schedule": 5.0},
    "check schedule": {"task": "kingsync.tasks.check_schedule", "schedule": 600.0},
    "sweep": {"task": "kingsync.tasks.sweep", "schedule": 15.0},
    "send notifications": {"task": "kingsync.tasks.send_notifications", "schedule": 60.0},
    "watch silence": {"task": "kingsync.tasks.watch_silence", "schedule": 300.0},
    "verify exported": {"task": "kingsync.tasks.verify_exported", "schedule": 900.0},
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
