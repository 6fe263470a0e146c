"""docs/privacy.md names every table, and its figures are those of the code."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry as AdminEntry

from devservers.places import CHECKOUT
from kingsync.accounts import invitations
from kingsync.management.commands import delete_tenant
from kingsync.rules import limits
from kingsync.runs import background_calls, retention
from kingsync.upkeep.tenant_data import closing
from kingsync.web.accounts import throttle

DOCUMENT = (CHECKOUT / "docs" / "privacy.md").read_text()
LINES = DOCUMENT.splitlines()


def names(lines: list[str]) -> list[str]:
    return [name for line in lines for name in re.findall(r"`([\w.]+)`", line)]


def rows() -> dict[str, str]:
    """Return the row of each table that holds personal data."""
    found: dict[str, str] = {}
    for line in LINES:
        cell = line.split(" | ")[0]
        found |= dict.fromkeys(names([cell]) if line.startswith("| `") else [], line)
    return found


def models() -> set[str]:
    return {
        f"admin.{model.__name__}" if model is AdminEntry else model.__name__
        for model in apps.get_models(include_auto_created=False)
    }


def test_every_table_is_said_to_hold_personal_data_or_none() -> None:
    begin = next(number for number, line in enumerate(LINES) if line.startswith("No personal data:"))
    none = names(LINES[begin : LINES.index("", begin)])

    assert sorted([*rows(), *none]) == sorted(models())


@pytest.mark.parametrize(
    ("table", "figure"),
    [
        ("SyncRun", f"{limits.LOG_DAYS} days ({limits.LOG_DAYS_LEAST} to {limits.LOG_DAYS_MOST}"),
        ("LogEntry", f"{limits.LOG_DAYS} days ({limits.LOG_DAYS_LEAST} to {limits.LOG_DAYS_MOST})"),
        *(
            (table, f"{limits.PAYLOAD_DAYS} days ({limits.PAYLOAD_DAYS_LEAST} to {limits.PAYLOAD_DAYS_MOST})")
            for table in ("SyncRun", "LogEntry", "ChangeLimitTrip")
        ),
        ("Invitation", f"the link {invitations.VALID_FOR.days} days"),
        ("LoginSession", f"{settings.SESSION_COOKIE_AGE // 86400} days after"),
        ("LoginTry", f"{throttle.WINDOW.seconds // 60} minutes"),
    ],
)
def test_a_figure_of_the_table_is_that_of_the_code(table: str, figure: str) -> None:
    assert figure in rows()[table]


def test_other_figures_are_those_of_the_code() -> None:
    assert f"For {closing.GRACE.days} days any owner" in DOCUMENT
    assert background_calls.KEPT.days == retention.TRIES_KEPT.days == 1
    assert f"(`--wait`, {delete_tenant.WAIT_SECONDS:.0f} seconds)" in DOCUMENT
