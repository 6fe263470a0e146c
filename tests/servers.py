"""Pytest plugin: one real PostgreSQL and one real Valkey for the whole test run, addresses in the environment.

It is named in pyproject's addopts, because pytest-django reads the settings before any conftest is loaded. Addresses
that are already in the environment win. Concurrent runs share the servers, each with databases of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack

import pytest

from devservers.places import local_folder
from devservers.servers import servers
from devservers.valkey import DATABASES

WORKERS_AT_MOST = 16
# The database that the processes of the run copy (`tests.template`). On servers of others we leave nothing behind.
TEMPLATE = "KINGSYNC_TEST_TEMPLATE"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Put the addresses into the environment before the settings are read."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        os.environ["REDIS_URL"] = _redis_database(os.environ["REDIS_URL"], by=int(worker.removeprefix("gw")))
    elif not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        early_config.add_cleanup(_start())
    return (yield)


def _start() -> Callable[[], None]:
    stack = ExitStack()
    addresses = stack.enter_context(servers(local_folder() / "test", throwaway=True))
    # Django puts test_ before this name and pytest-django appends the xdist worker's.
    if "DATABASE_URL" not in os.environ:
        os.environ["DATABASE_URL"] = f"{addresses.database_url}_{os.getpid()}"
        os.environ[TEMPLATE] = f"template_{os.getpid()}"
    first = os.getpid() % (DATABASES // WORKERS_AT_MOST) * WORKERS_AT_MOST
    os.environ.setdefault("REDIS_URL", _redis_database(addresses.redis_url, by=first))
    return stack.close


def _redis_database(url: str, *, by: int) -> str:
    """Return the address with its database number raised."""
    address, _, number = url.rpartition("/")
    return f"{address}/{int(number) + by}"
