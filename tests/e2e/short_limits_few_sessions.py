"""The settings of a worker with short limits whose only session is another run's by then."""

from __future__ import annotations

from tests.e2e.short_limits import *  # noqa: F403

RUN_SESSIONS = 1
