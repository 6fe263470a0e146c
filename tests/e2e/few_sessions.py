"""The settings of a worker of threads that has fewer sessions than runs: they lend them to each other all the time."""

from __future__ import annotations

from kingsync.settings import *  # noqa: F403

RUN_SESSIONS = 2
