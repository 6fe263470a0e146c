"""Every example of docs/api.md is run against a server, as its reader would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from django.db import connections
from pytest_django.live_server_helper import LiveServer

from devservers.places import CHECKOUT
from kingsync.models import tenants
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from tests import factories, patience

DOCUMENT = (CHECKOUT / "docs" / "api.md").read_text()
CURL, PYTHON = (
    re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE) for language in ("bash", "python")
)
READING, STARTING, CHECKING = PYTHON


@pytest.fixture
def environment(live_server: LiveServer, tenant: Tenant) -> dict[str, str]:
    return {**os.environ, "KINGSYNC": live_server.url, "TOKEN": factories.api_token(tenant), "no_proxy": "*"}


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True, timeout=patience.SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_examples() -> None:
    assert (len(CURL), len(PYTHON)) == (2, 3)


@pytest.mark.django_db(transaction=True)
def test_reading_with_curl(tenant: Tenant, environment: dict[str, str]) -> None:
    factories.work_order(tenant, outsmart_id="7001", state="rejected")
    factories.work_order(tenant, outsmart_id="7002")

    said = run(["bash", "-e", "-c", CURL[0]], environment)

    assert '"7001"' in said
    assert '"7002"' not in said


@pytest.mark.django_db(transaction=True)
def test_reading_all_pages_with_python(tenant: Tenant, environment: dict[str, str]) -> None:
    for number in range(5):
        factories.work_order(tenant, order_number=f"B{number}", changed_at="2026-06-01T00:00:00Z")

    said = run([sys.executable, "-c", READING], environment)

    assert [line.split()[0] for line in said.splitlines()] == [f"B{number}" for number in range(5)]


@pytest.mark.django_db(transaction=True)
def test_starting_with_curl_twice_gives_one_run(tenant: Tenant, environment: dict[str, str]) -> None:
    said = [run(["bash", "-e", "-c", CURL[1]], environment) for _ in range(2)]

    with tenants.scope(tenant):
        run_id = SyncRun.objects.get(kind=RunKind.EXPORT).pk
    assert all(f'"run": {run_id}' in each for each in said)


@pytest.fixture
def worker(tenant: Tenant) -> Iterator[None]:
    """End the first run that is started, as a worker would."""
    is_over = threading.Event()

    def work() -> None:
        with tenants.scope(tenant):
            while not is_over.wait(0.05):
                SyncRun.objects.update(status=RunStatus.SUCCEEDED, created_count=2)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    is_over.set()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_starting_and_following_with_python(tenant: Tenant, environment: dict[str, str], worker: None) -> None:
    said = run([sys.executable, "-c", STARTING], environment)

    assert said.startswith("succeeded {'read': 0, 'created': 2")


def test_the_check_of_a_signature_accepts_ours_and_no_other() -> None:
    check = f"""{CHECKING}
import sys
sys.path.insert(0, {str(CHECKOUT)!r})
from kingsync.notifications.webhooks import signature
header = signature.of(b'{{}}', secret='s', at=int(time.time()))
old = signature.of(b'{{}}', secret='s', at=int(time.time()) - 3600)
print(is_genuine(b'{{}}', header, 's'), is_genuine(b'[]', header, 's'), is_genuine(b'{{}}', header, 'x'))
print(is_genuine(b'{{}}', old, 's'))
"""
    assert run([sys.executable, "-c", check], dict(os.environ)).split() == ["True", "False", "False", "False"]
