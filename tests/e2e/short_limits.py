"""The settings of a worker that calls a run hanging after seconds."""

from __future__ import annotations

from kingsync.settings import *  # noqa: F403

# Longer than a slow machine needs to come to the call that hangs.
CELERY_TASK_TIME_LIMIT = 15
