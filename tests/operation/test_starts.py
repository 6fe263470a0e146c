"""What a program of ours loads when it starts: someone waits for each, and the tests start hundreds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from devservers.places import CHECKOUT
from tests import programs

# Loaded where they are used, and who uses them.
NOT_AT_THE_START = {
    "redis": "who sends a message or asks the broker",
    "kombu.transport.redis": "the same",
    "sentry_sdk": "with SENTRY_DSN",
    "xlsxwriter": "a list of work orders as a file",
    "prometheus_client": "/metrics",
    "opentelemetry": "who works on a run, with a collector",
    "structlog": "who writes a log line",
    "reportlab": "a statement as PDF",
    "segno": "the page of a second step",
    "webauthn": "pages of passkeys",
    "cryptography.x509": "passkeys",
    "tqdm": "`sync`",
    "ninja": "the first request to the API",
    "pydantic": "the same",
    "kingsync.api": "the web server",
    "kingsync.web.urls": "the web server",
    "django.test": "tests",
    "unittest": "tests",
}
REPORT = """
import gc, sys, django
django.setup()
import kingsync.tasks
print(*sys.modules, gc.isenabled(), gc.get_freeze_count() > 0)
"""


@pytest.fixture(scope="module")
def started() -> list[str]:
    """Return the modules of a program that has started, and how it collects garbage."""
    environment = programs.environment() | {"DJANGO_SETTINGS_MODULE": "kingsync.settings"}
    command = [sys.executable, "-c", REPORT]
    return subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()


def test_a_start_loads_only_what_every_program_needs(started: list[str]) -> None:
    assert "kingsync.worker" in started
    assert NOT_AT_THE_START.keys() & set(started) == set()


def test_who_sends_nothing_loads_neither_celery_nor_what_calls_the_two_systems() -> None:
    environment = programs.environment() | {"DJANGO_SETTINGS_MODULE": "kingsync.settings"}
    told = "import sys, django; django.setup(); print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", told], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    assert "kingsync.models.tenants" in loaded
    assert {"celery", "kombu", "kingsync.tasks", "kingsync.worker", "requests"} & set(loaded) == set()


def test_garbage_is_collected_after_the_start_but_not_looked_for_in_what_was_loaded(started: list[str]) -> None:
    assert started[-2:] == ["True", "True"]
