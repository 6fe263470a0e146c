"""Servers of a program's own, gone when it ends: for measurements and comparisons outside pytest."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devservers.servers import servers


@contextmanager
def environment(name: str) -> Iterator[Path]:
    """Start both servers and point the environment at them; yield their folder. Before Django is set up."""
    with (
        tempfile.TemporaryDirectory(prefix=f"kingsync-{name}-") as folder,
        servers(Path(folder), throwaway=True) as ours,
    ):
        os.environ |= {
            "KINGSYNC_LOCAL": folder,
            "DATABASE_URL": ours.database_url,
            "REDIS_URL": ours.redis_url,
            "PRIVATE_HOSTS": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "kingsync.settings",
        }
        yield Path(folder)
