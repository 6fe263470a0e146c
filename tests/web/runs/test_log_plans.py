"""What the log page reads of a long log: rows by the database's own account, never times."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from kingsync.database import sessions
from kingsync.models import tenants
from kingsync.models.runs import LogEntry
from kingsync.models.tenants import Tenant
from kingsync.web.shared.paging import PAGE_SIZE
from tests import factories, plans, standing
from tests.standing import Standing
from tests.web.conftest import Company

LOG = "/t/jansen/log/"
ENTRIES, KINDS = 20_000, 6
# An entry a minute, the newest now; every eighth a warning, the oldest hundred of a kind that came no more.
_FILL = """
    INSERT INTO kingsync_logentry
        (tenant_id, run_id, at, level, event, record_kind, outsmart_id, king_id, code, params, detail)
    SELECT %(tenant)s, %(run)s, now() - make_interval(mins => %(count)s - n),
        CASE n %% 8 WHEN 0 THEN 'warning' ELSE 'info' END,
        CASE WHEN n <= 100 THEN 'order.moved'
            ELSE (ARRAY['order.created', 'order.unchanged', 'record.rejected'])[1 + n %% 3] END,
        CASE WHEN n > 100 AND n %% 3 = 2 THEN 'product' ELSE 'work_order' END,
        (7000000 + n / 2)::text, (9000000 + n)::text, '', '{}', '{}'
    FROM generate_series(1, %(count)s) n
"""


@pytest.fixture(scope="module", autouse=True)
def _long_log(_standing_company: Standing[Company], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Fill the log of the standing company, and that of another one that is twice as long, for all tests."""
    with django_db_blocker.unblock(), standing.standing(lambda: fill(_standing_company.rows().tenant)):
        yield


def fill(tenant: Tenant) -> None:
    for owner, count in ((tenant, ENTRIES), (factories.tenant(), 2 * ENTRIES)):
        run = factories.run(owner)
        with tenants.scope(owner), connection.cursor() as cursor:
            cursor.execute(_FILL, {"tenant": owner.pk, "run": run.pk, "count": count})
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE kingsync_logentry")


def read_for(browser: Client, tenant: Tenant, asked: dict[str, str]) -> tuple[int, int]:
    """Return how many entries a page shows, and how many rows of the log were read for it."""
    with CaptureQueriesContext(connection) as captured:
        shown = len(browser.get(LOG, asked).context["page"].rows)
    of_log = [each["sql"] for each in captured if "kingsync_log" in each["sql"] and each["sql"].startswith("SELECT")]
    assert of_log
    with tenants.scope(tenant):
        return shown, plans.rows_read(of_log)


def on(days_ago: float) -> str:
    return f"{timezone.localtime() - datetime.timedelta(days=days_ago):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        ({}, True),
        ({"event": "order.gone_in_king"}, False),
        ({"event": "restore.noticed"}, False),
        ({"event": "order.moved"}, True),
        ({"event": "order"}, True),
        ({"record_kind": "warehouse"}, False),
        ({"record_kind": "product"}, True),
        ({"level": "error"}, False),
        ({"level": "warning", "event": "record"}, True),
        ({"event": "order.created", "record_kind": "product"}, False),
        ({"number": "123"}, False),
        ({"number": "9000123"}, True),
        ({"number": "7000123"}, True),
        ({"until": on(13)}, True),
        ({"until": on(13), "event": "record"}, True),
        ({"until": on(3), "since": on(4), "event": "order.moved"}, False),
        ({"until": on(100)}, False),
        ({"since": on(-1)}, False),
    ],
)
def test_a_page_of_a_long_log_reads_little_more_than_it_shows(
    editor: Client, tenant: Tenant, asked: dict[str, str], is_found: bool
) -> None:
    shown, read = read_for(editor, tenant, asked)

    assert bool(shown) == is_found
    # A page of each kind, the rows of the page and their runs; one step for each kind that there is.
    assert read <= KINDS * (PAGE_SIZE + 1) + 4 * PAGE_SIZE + 4 * KINDS


@pytest.mark.parametrize("asked", [{}, {"event": "order"}, {"level": "warning"}, {"record_kind": "product"}])
def test_pages_follow_one_another_without_gap_or_repetition(
    editor: Client, tenant: Tenant, asked: dict[str, str]
) -> None:
    seen: list[int] = []
    before = ""
    for _ in range(3):
        page = editor.get(LOG, {**asked, "before": before}).context["page"]
        seen += [row.pk for row in page.rows]
        before = page.older

    named = {"event__startswith" if name == "event" else name: value for name, value in asked.items()}
    with tenants.scope(tenant):
        newest = LogEntry.objects.filter(**named).order_by("-at", "-pk")[: 3 * PAGE_SIZE]
        assert seen == [entry.pk for entry in newest]
