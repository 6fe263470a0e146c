"""Programs of ours beside the test: they use its database and broker, and its sandboxes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from django.conf import settings as deployment

from tests import processes


def environment() -> dict[str, str]:
    """Return the environment of a command that uses the database of this test."""
    return os.environ | {
        "DATABASE_URL": processes.database_url(),
        "REDIS_URL": deployment.REDIS_URL,
        "SECRET_KEY": deployment.SECRET_KEY,
        "ENCRYPTION_KEYS": ",".join(deployment.ENCRYPTION_KEYS),
        "PRIVATE_HOSTS": "127.0.0.1",
        "KING_WRITE_TIMEOUT": "30",
    }


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
