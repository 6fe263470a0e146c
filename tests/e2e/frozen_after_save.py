"""The settings of a worker that freezes as soon as it has saved a write to King, before it sends it."""

from __future__ import annotations

import os
import signal
from typing import Any

from celery.signals import worker_ready

from kingsync.settings import *  # noqa: F403


@worker_ready.connect(weak=False)
def _freeze(**_details: object) -> None:
    from kingsync.exports import ledger  # noqa: PLC0415 - Django is set up by now

    usual = ledger.extend_outcome_unknown

    def save_and_freeze(*arguments: Any, **named: Any) -> None:
        usual(*arguments, **named)
        os.kill(os.getpid(), signal.SIGSTOP)

    ledger.extend_outcome_unknown = save_and_freeze
