"""The charts of the start page: drawn by us, readable by everyone."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone, translation

from kingsync.models import tenants
from kingsync.models.runs import RunKind
from kingsync.models.tenants import Tenant
from kingsync.web.figures import bars
from kingsync.web.start import charts
from tests import factories
from tests.web.pages import html, text

START = "/t/jansen/"
NOW = datetime.datetime(2026, 11, 20, 15, tzinfo=timezone.get_default_timezone())


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def days_ago(days: int, hour: int = 12) -> datetime.datetime:
    return NOW.replace(hour=hour) - datetime.timedelta(days=days)


def ran(tenant: Tenant, days: int, seconds: int, **fields: object) -> None:
    ended = days_ago(days)
    began = ended - datetime.timedelta(seconds=seconds)
    factories.run(tenant, **({"started_at": began, "finished_at": ended} | fields))  # type: ignore[arg-type]


def last_days(tenant: Tenant) -> charts.LastDays:
    with tenants.scope(tenant):
        return charts.last_days(now=NOW)


def test_work_orders_are_counted_on_the_day_on_which_they_came_into_king(tenant: Tenant) -> None:
    for days in (0, 0, 1, 29, 30):
        factories.work_order(tenant, exported_at=days_ago(days))

    found = last_days(tenant)

    assert [day.exported for day in found.days] == [1, *[0] * 27, 1, 2]
    assert found.days[-1].date == datetime.date(2026, 11, 20)


def test_a_day_begins_at_midnight_here_and_not_in_greenwich(tenant: Tenant) -> None:
    factories.work_order(tenant, exported_at=NOW.replace(hour=0, minute=10))

    assert last_days(tenant).today == 1


def test_the_month_counts_from_its_first_day_also_where_that_is_longer_ago_than_the_charts(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = NOW.replace(month=10, day=31)
    monkeypatch.setattr(timezone, "now", lambda: end)
    for day in (1, 31):
        factories.work_order(tenant, exported_at=end.replace(day=day, hour=1))
    factories.work_order(tenant, exported_at=end.replace(month=9, day=30))

    with tenants.scope(tenant):
        assert charts.last_days(now=end).this_month == 2


def test_a_work_order_that_every_run_rejects_counts_once_a_day(tenant: Tenant) -> None:
    for rejected in (3, 4, 3):
        ran(tenant, 2, 10, rejected_count=rejected)

    assert last_days(tenant).days[-3].rejected == 4


def test_the_duration_is_the_average_of_real_exports(tenant: Tenant) -> None:
    ran(tenant, 1, 10)
    ran(tenant, 1, 30)
    ran(tenant, 1, 1000, kind=RunKind.IMPORT)
    ran(tenant, 1, 1000, options={"dry_run": True})

    assert last_days(tenant).days[-2].seconds == 20


def test_run_that_never_began_is_left_out_of_the_duration(tenant: Tenant) -> None:
    factories.run(tenant, started_at=None, finished_at=days_ago(1))

    assert last_days(tenant).days[-2].seconds == 0


def test_figures_of_another_tenant_are_not_drawn(editor: Client, tenant: Tenant) -> None:
    other = factories.tenant()
    factories.work_order(other, exported_at=days_ago(1))
    ran(other, 1, 10, rejected_count=2)

    assert last_days(tenant).is_empty
    assert "The last 30 days" not in text(editor.get(START))


def test_each_drawing_has_a_name_and_says_what_it_shows(editor: Client, tenant: Tenant) -> None:
    for _ in range(3):
        factories.work_order(tenant, exported_at=days_ago(4))
    ran(tenant, 1, 95, rejected_count=2)

    page = html(editor.get(START))

    described = re.findall(r'<figure class="card bars small"[^>]*labelledby="(\S+)" aria-describedby="(\S+)"', page)
    assert len(described) == 4
    assert all(f'id="{name}"' in page for pair in described for name in pair)
    assert "The highest is 3, on 16 Nov." in page
    assert "The highest is 1:35 min, on 19 Nov." in page


def test_the_same_figures_stand_in_a_table(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, exported_at=days_ago(4))

    rows = re.findall(r'<th scope="row">(.*?)</th><td[^>]*>(?:<a[^>]*>)?(\d+)<', html(editor.get(START)))

    assert len(rows) == charts.DAYS
    assert ("16 Nov 2026", "1") in rows


def test_every_bar_and_number_leads_to_exactly_what_it_counts(editor: Client, tenant: Tenant) -> None:
    for days in (4, 4, 4, 29, 0):
        factories.work_order(tenant, exported_at=days_ago(days), amount=Decimal("12.50"))
    factories.work_order(tenant, exported_at=days_ago(3))
    ran(tenant, 1, 10, rejected_count=2, outcomes=["rejected 1", "rejected 2", "created 3"])
    ran(tenant, 1, 30, rejected_count=1)
    ran(tenant, 1, 30, options={"dry_run": True})
    ran(tenant, 2, 30)
    page = html(editor.get(START))

    bars = re.findall(r'<a href="([^"]+)" aria-label="(\d+ \w+): ([^"]+)">', page)

    found = {(date, value): opened(editor, address) for address, date, value in bars}
    assert [len(re.findall(f'id="chart-{key}"', page)) for key in ("exported", "amounts", "rejected", "seconds")] == [
        1
    ] * 4
    assert count_rows(found["16 Nov", "3"], "work-orders") == count_rows(found["16 Nov", "€ 37.50"], "work-orders") == 3
    assert ("17 Nov", "€ 12.50") not in found
    assert count_rows(found["19 Nov", "2"], "work-orders") == 0
    assert found["19 Nov", "2"].count('class="badge bad">rejected') == 2
    assert count_rows(found["19 Nov", "20 s"], "runs") == 2
    assert count_rows(found["18 Nov", "30 s"], "runs") == 1
    numbers = re.findall(r'<td class="right" data-label="Into King"><a href="([^"]+)">(\d+)</a>', page)
    assert [(int(number), count_rows(opened(editor, address), "work-orders")) for address, number in numbers] == [
        *((1, 1), (1, 1), (3, 3), (1, 1)),
    ]


@pytest.mark.parametrize("address", ["work-orders/?exported_until=", "runs/?ended="])
@pytest.mark.parametrize("date", ["9999-12-31", "0001-01-01", "2026-02-30"])
def test_a_link_with_an_odd_date_is_answered(editor: Client, tenant: Tenant, address: str, date: str) -> None:
    assert editor.get(f"{START}{address}{date}").status_code == 200


def opened(browser: Client, address: str) -> str:
    return html(browser.get(address.replace("&amp;", "&")))


def count_rows(page: str, kind: str) -> int:
    return len(set(re.findall(rf'href="/t/jansen/{kind}/(\d+)/["?]', page)))


def test_bars_stay_inside_the_drawing_and_the_highest_reaches_the_top(tenant: Tenant) -> None:
    for days, count in ((0, 1), (7, 40), (29, 1)):
        for _ in range(count):
            factories.work_order(tenant, exported_at=days_ago(days))

    chart = charts.Drawings(last_days(tenant), tenant).draw().charts[0]

    parts = [part for bar in chart.bars for part in bar.parts]
    assert (len(chart.bars), len(parts)) == (charts.DAYS, 3)
    assert all(bar.x >= 0 and bar.x + bar.width <= chart.size.width for bar in chart.bars)
    assert all(part.y + part.height == chart.floor and part.height >= 2 for part in parts)
    assert min(part.y for part in parts) == bars.TOP


def test_drawings_need_no_style_of_their_own(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, exported_at=days_ago(4))

    page = editor.get(START).content.decode()

    assert '<rect class="bar exported"' in page
    assert re.findall(r"<style|\sstyle=", page) == []


def test_what_is_kept_of_the_drawings_is_of_these_figures_this_company_and_this_language(
    editor: Client, tenant: Tenant
) -> None:
    for _ in range(2):
        factories.work_order(tenant, exported_at=days_ago(1))
    first, again = html(editor.get(START)), html(editor.get(START))
    factories.work_order(tenant, exported_at=days_ago(1))
    other = charts.Drawings(last_days(tenant), factories.tenant(slug="other"))
    mine = charts.Drawings(last_days(tenant), tenant)

    assert all('aria-label="19 Nov: 2"' in page for page in (first, again))
    assert 'aria-label="19 Nov: 3"' in html(editor.get(START))
    with translation.override("nl"):
        assert len({other.key, mine.key}) == 2
        in_dutch = mine.key
    assert in_dutch != mine.key


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1:00 min"), (3725, "62:05 min")])
def test_durations_are_short(seconds: int, words: str) -> None:
    assert charts.duration(seconds) == words
