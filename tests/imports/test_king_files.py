"""Imports from King's XML export files: by command, from the tenant's folder, and after the webservices."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from kingsync import worker
from kingsync.imports import change_limit, reading_phase
from kingsync.imports.files import folder as file_folder
from kingsync.imports.files import store
from kingsync.models import tenants
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.links import RecordLink
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle, schedule
from sandboxes.king import company
from sandboxes.king.records import Article, Order, OrderLine
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, king_xml, scenario
from tests.conftest import connect
from tests.imports.test_imports import posts
from tests.management.test_commands import command

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture(autouse=True)
def folder(tenant: Tenant, settings: Any, tmp_path: Path) -> Path:
    """Provide the tenant's folder, with settings that import everything but orders."""
    factories.settings(tenant)
    settings.KING_XML_FOLDER = str(tmp_path / "king-xml")
    made = tmp_path / "king-xml" / tenant.slug
    made.mkdir(parents=True)
    return made


def articles(*numbers: str, price: str = "1.00") -> bytes:
    rows = [Article(number=number, short_description=f"Artikel {number}", price=company.money(0)) for number in numbers]
    return king_xml.articles(rows).replace(b"EXCLBTW>0.000<", f"EXCLBTW>{price}<".encode())


def written(place: Path, content: bytes, *, seconds_ago: float = 60) -> Path:
    place.write_bytes(content)
    moment = time.time() - seconds_ago
    os.utime(place, (moment, moment))
    return place


def read_files() -> None:
    """Switch the tenant's imports to files."""
    Connection.objects.filter(system=System.KING).update(reader=Connection.Reader.FILES)


def imported(*arguments: object) -> tuple[int, dict[str, Any]]:
    code, out = command("sync", "jansen", "import", *map(str, arguments), "--json")
    return code, json.loads(out) if out else {}


def codes(outsmart: OutSmartSandbox) -> list[str]:
    return [str(row["code"]) for row in outsmart.store.rows("materials")]


def states() -> list[tuple[str, str]]:
    return list(KingFile.objects.order_by("id").values_list("name", "state"))


# --- Without webservices ----------------------------------------------------------------------------------------------


def without_webservices() -> None:
    """Set up a King that only writes files."""
    Connection.objects.filter(system=System.KING).update(
        base_url="", administration="", reader=Connection.Reader.FILES, state="paused"
    )


def test_a_company_without_webservices_imports_files(
    folder: Path, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    without_webservices()
    written(folder / "1.xml", articles("BUIS"))

    run = scenario.load()

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "created": 1})
    assert codes(outsmart) == ["BUIS"]
    assert king.calls.all() == []
    assert set(Connection.objects.values_list("system", "state")) == {("king", "paused"), ("outsmart", "active")}


def test_a_company_without_any_king_is_told_so(king: KingSandbox) -> None:
    without_webservices()
    Connection.objects.filter(system=System.KING).update(reader=Connection.Reader.WEBSERVICE)

    imports, exports = scenario.load(), scenario.export()

    assert [(run.status, run.error["code"]) for run in (imports, exports)] == [("failed", "no_connection")] * 2


def test_imports_of_files_are_scheduled_without_webservices(tenant: Tenant) -> None:
    without_webservices()
    SyncSettings.objects.update(schedule_enabled=True)
    later = timezone.now() + datetime.timedelta(days=1)

    due = schedule.due_kinds(now=later)
    Connection.objects.filter(system=System.OUTSMART).update(state="paused")

    assert due == [RunKind.IMPORT]
    assert schedule.due_kinds(now=later) == []


# --- By command -------------------------------------------------------------------------------------------------------


def test_a_command_reads_all_five_documents(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    names = ["debiteuren", "artikelen", "tarieven", "voorraad", "orders"]

    code, answer = imported("--from-xml", *(SAMPLES / f"king-{name}.xml" for name in names))

    assert (code, answer["state"]) == (1, "partly")  # one article only has a price including VAT
    assert codes(outsmart) == ["0800-15"]
    assert [row["debtor_number"] for row in outsmart.store.rows("relations")] == ["12000002"]
    assert [row["code"] for row in outsmart.store.rows("hourtypes")] == ["MONT"]
    assert [row["wse_code"] for row in outsmart.store.rows("warehouses")] == ["1", "2", "3"]
    assert {row.name: row.record_count for row in KingFile.objects.all()} == {
        "king-debiteuren.xml": 2,
        "king-artikelen.xml": 3,
        "king-tarieven.xml": 2,
        "king-voorraad.xml": 3,
        "king-orders.xml": 2,
    }
    assert set(KingFile.objects.values_list("state", "run_id")) == {("read", answer["run"])}
    assert king.calls.all() == []


def test_the_same_file_a_second_time_changes_nothing(outsmart: OutSmartSandbox) -> None:
    sample = SAMPLES / "king-artikelen.xml"
    imported("--from-xml", sample)
    outsmart.calls.clear()

    code, answer = imported("--from-xml", sample)

    assert {name: number for name, number in answer["counts"].items() if number} == {
        "read": 3,
        "unchanged": 1,
        "skipped": 1,
        "rejected": 1,
    }
    assert (code, posts(outsmart)) == (0, [])  # the rejected one waits for the same repair


def test_a_price_including_vat_overwrites_no_price(outsmart: OutSmartSandbox, tmp_path: Path) -> None:
    without, including = articles("BUIS", price="6.40"), articles("BUIS", price="7.74")
    imported("--from-xml", written(tmp_path / "1.xml", without))

    code, _ = imported("--from-xml", written(tmp_path / "2.xml", including.replace(b"EXCLBTW", b"INCLBTW")))

    assert code == 1
    assert [row["price"] for row in outsmart.store.rows("materials")] == ["6.40"]
    link = RecordLink.objects.get(kind="product")
    assert (link.state, link.reason["code"]) == ("rejected", "price_with_vat_only")


def test_who_wants_no_sales_prices_is_not_refused_for_them(outsmart: OutSmartSandbox, tmp_path: Path) -> None:
    settings = SyncSettings.objects.get()
    settings.products_price = "none"
    settings.store(by=None)
    content = articles("BUIS", price="7.74").replace(b"EXCLBTW", b"INCLBTW")

    code, _ = imported("--from-xml", written(tmp_path / "1.xml", content))

    assert (code, codes(outsmart)) == (0, ["BUIS"])


def test_a_kind_chosen_beside_files_reads_only_its_files(outsmart: OutSmartSandbox) -> None:
    files = (SAMPLES / "king-artikelen.xml", SAMPLES / "king-tarieven.xml")

    imported("--kind", "hour_types", "--from-xml", *files)

    assert codes(outsmart) == []
    assert [row["code"] for row in outsmart.store.rows("hourtypes")] == ["MONT"]
    assert states() == [("king-tarieven.xml", "read")]


def test_a_dry_run_of_a_file_leaves_nothing_behind(outsmart: OutSmartSandbox) -> None:
    code, answer = imported("--dry-run", "--from-xml", SAMPLES / "king-artikelen.xml")

    assert (code, answer["counts"]["created"]) == (1, 1)
    assert posts(outsmart) == []
    assert states() == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "is missing or cannot be read"),
        (b"<html/>", "not an export file"),
        (b"<!DOCTYPE x><KING_ARTIKELEN/>", "DOCTYPE"),
        (b"KING", "damaged"),
    ],
)
def test_a_file_that_is_none_of_kings_starts_no_run(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "x.xml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CommandError, match=told) as raised:
        _call(str(SAMPLES / "king-artikelen.xml"), str(path))

    assert raised.value.returncode == 2
    assert not SyncRun.objects.exists()
    assert states() == []


def _call(*paths: str) -> None:
    tenant = Tenant.objects.get(slug="jansen")
    tenant.language = Tenant.Language.ENGLISH
    tenant.save()
    call_command("sync", "jansen", "import", "--from-xml", *paths)


def test_a_file_that_breaks_off_fails_the_run_with_its_line_and_keeps_what_came_before(
    tmp_path: Path, outsmart: OutSmartSandbox
) -> None:
    path = written(tmp_path / "half.xml", articles("A", "B", "C")[:-40])

    code, answer = imported("--from-xml", path)

    assert (code, answer["state"]) == (2, "failed")
    assert "half.xml" in answer["error"]
    row = KingFile.objects.get()
    assert (row.state, row.reason["code"], row.run_id) == ("failed", "system.file_broken", answer["run"])


def test_orders_of_a_file_become_work_orders_with_customers_of_a_file(
    tmp_path: Path, outsmart: OutSmartSandbox
) -> None:
    line = OrderLine(line_id=1, position=1, kind="ART", article="BUIS", ordered=company.money(200))
    orders = king_xml.orders([Order(number=26000123, debtor=12000002, reference="Ketel", lines=[line])])
    path = written(tmp_path / "orders.xml", orders)

    code, answer = imported("--from-xml", SAMPLES / "king-debiteuren.xml", path)

    assert (code, answer["counts"]["rejected"]) == (0, 0)
    (made,) = [row for row in outsmart.store.all_work_orders() if row["WorkorderNo"]]
    assert (made["WorkorderNo"], made["CustomerDebtorNr"]) == ("26000123", "12000002")


# --- From the folder --------------------------------------------------------------------------------------------------


def test_a_run_takes_the_new_files_of_the_folder_oldest_first(folder: Path, outsmart: OutSmartSandbox) -> None:
    read_files()
    written(folder / "b.xml", articles("A", "B", price="1.00"), seconds_ago=7200)
    written(folder / "a.XML", articles("B", "C", price="2.00"), seconds_ago=3600)
    written(folder / "notes.txt", b"not for us")

    run = scenario.load()

    assert run.status == "succeeded"
    assert states() == [("b.xml", "read"), ("a.XML", "read")]
    assert {row["code"]: row["price"] for row in outsmart.store.rows("materials")} == {
        "A": "1.00",
        "B": "2.00",
        "C": "2.00",
    }


def test_a_content_is_read_once_whatever_its_name(folder: Path, outsmart: OutSmartSandbox) -> None:
    read_files()
    written(folder / "a.xml", articles("A"))
    scenario.load()
    written(folder / "again.xml", articles("A"))
    outsmart.calls.clear()

    run = scenario.load()

    assert (run.status, scenario.counts(run)) == ("succeeded", {})
    assert states() == [("a.xml", "read")]
    assert posts(outsmart) == []


def test_a_name_that_is_written_anew_is_read_anew(folder: Path, outsmart: OutSmartSandbox) -> None:
    read_files()
    written(folder / "a.xml", articles("A"))
    scenario.load()
    written(folder / "a.xml", articles("A", "B"))

    run = scenario.load()

    assert scenario.counts(run) == {"read": 2, "created": 1, "unchanged": 1}
    assert states() == [("a.xml", "read"), ("a.xml", "read")]


def test_a_waiting_file_that_is_written_over_waits_with_its_new_content(folder: Path) -> None:
    written(folder / "a.xml", articles("A"))
    (first,) = file_folder.new_files()
    written(folder / "a.xml", articles("B"))

    (second,) = file_folder.new_files()

    assert list(KingFile.objects.values_list("pk", flat=True)) == [second.pk] != [first.pk]


@pytest.mark.parametrize(
    ("content", "seconds_ago", "expected"),
    [
        (articles("A"), 5, []),
        (articles("A"), 60, [("a.xml", "new")]),
        (articles("A")[:-20], 60, []),
        (articles("A")[:-20], 660, [("a.xml", "new")]),
        (b"", 60, []),
        (b"", 660, [("a.xml", "failed")]),
        (b"<!DOCTYPE x><KING_ARTIKELEN/>", 60, [("a.xml", "failed")]),
        (b"<KING_JOURNAAL/>", 60, [("a.xml", "failed")]),
    ],
)
def test_only_whole_files_are_taken_in(
    folder: Path, content: bytes, seconds_ago: float, expected: list[tuple[str, str]]
) -> None:
    written(folder / "a.xml", content, seconds_ago=seconds_ago)

    file_folder.new_files()
    file_folder.new_files()

    assert states() == expected


def test_one_broken_file_stops_a_run_but_not_the_next(folder: Path, outsmart: OutSmartSandbox) -> None:
    read_files()
    written(folder / "broken.xml", articles("A")[:-20], seconds_ago=7200)
    written(folder / "whole.xml", articles("B"), seconds_ago=3600)

    first, second = scenario.load(), scenario.load()

    assert (first.status, first.error["code"]) == ("failed", "system.file_broken")
    assert second.status == "succeeded"
    assert "B" in codes(outsmart)
    assert states() == [("broken.xml", "failed"), ("whole.xml", "read")]


def test_links_out_of_the_folder_hidden_files_and_other_tenants_are_left_alone(folder: Path, tmp_path: Path) -> None:
    outside = written(tmp_path / "elsewhere.xml", articles("A"))
    (folder / "link.xml").symlink_to(outside)
    (folder / "folder.xml").mkdir()
    written(folder / ".hidden.xml", articles("B"))
    other = folder.parent / "other"
    other.mkdir()
    written(other / "c.xml", articles("C"))

    assert file_folder.new_files() == []


def test_no_folder_is_no_files(settings: Any) -> None:
    read_files()
    settings.KING_XML_FOLDER = ""

    run = scenario.load()

    assert (run.status, scenario.counts(run)) == ("succeeded", {})


def test_files_of_a_kind_that_is_off_go_on_waiting(folder: Path, outsmart: OutSmartSandbox, tenant: Tenant) -> None:
    read_files()
    written(folder / "orders.xml", (SAMPLES / "king-orders.xml").read_bytes())

    run = scenario.load()

    assert (run.status, scenario.counts(run)) == ("succeeded", {})
    assert states() == [("orders.xml", "new")]


def test_a_run_goes_on_in_the_same_files_over_slices(
    folder: Path, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_phase, "PAGE", 4)
    read_files()
    written(folder / "a.xml", articles(*(f"A{number:02}" for number in range(10))), seconds_ago=7200)
    written(folder / "b.xml", articles(*(f"B{number:02}" for number in range(6))), seconds_ago=3600)
    requested = lifecycle.request(kind=RunKind.IMPORT, trigger=SyncRun.Trigger.SCHEDULE)
    slices = 1

    while worker.work_slice(requested.run.pk, slice_seconds=0).more:
        slices += 1
        written(folder / "later.xml", articles("LATER"))

    run = SyncRun.objects.get(pk=requested.run.pk)
    assert slices > 2
    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 16, "created": 16})
    assert len(codes(outsmart)) == 16
    assert list(KingFile.objects.order_by("id").values_list("name", "state", "record_count")) == [
        ("a.xml", "read", 10),
        ("b.xml", "read", 6),
    ]


# --- Between the two readers ------------------------------------------------------------------------------------------


def whole_company(folder: Path, company: company.Company) -> None:
    documents: Iterable[tuple[str, bytes]] = (
        ("debiteuren", king_xml.debtors(company.debtors)),
        ("artikelen", king_xml.articles(company.articles)),
        ("tarieven", king_xml.rates(company.rates)),
        ("voorraad", king_xml.stock(company.warehouses)),
    )
    for name, content in documents:
        written(folder / f"{name}.xml", content)


def test_switching_from_the_webservices_to_files_posts_nothing_again(
    tenant: Tenant, outsmart: OutSmartSandbox, folder: Path
) -> None:
    Connection.objects.all().delete()
    with KingSandbox(records=60, debtors=40) as king:
        connect(tenant, king, outsmart)
        first = scenario.load()
        outsmart.calls.clear()
        king.calls.clear()
        read_files()
        whole_company(folder, company.company(records=60, debtors=40))

        second = scenario.load()

        assert king.calls.all() == []
    assert second.read_count == first.read_count
    assert (second.created_count, second.updated_count, second.deactivated_count) == (0, 0, 0)
    assert posts(outsmart) == []


def test_a_waiting_upload_is_read_before_the_webservices_once(
    tmp_path: Path, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.stock(king)
    upload = store.keep(written(tmp_path / "u.xml", articles("UPLOAD")), "../../etc/u.xml")
    content = store.path_of(upload)
    assert content.is_file()

    first, second = scenario.load(), scenario.load()

    assert (upload.name, scenario.counts(first)) == ("u.xml", {"read": 1, "created": 1})
    assert second.read_count == 7
    assert states() == [("u.xml", "read")]
    assert not content.exists()


def test_an_upload_held_back_by_the_brake_waits_for_the_yes_and_does_not_stop_the_webservices(
    tmp_path: Path, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = [f"A{number:03}" for number in range(30)]
    imported("--from-xml", written(tmp_path / "a.xml", articles(*numbers)))
    store.keep(written(tmp_path / "b.xml", articles(*numbers, price="2.00")), "b.xml")

    stopped_run = scenario.load()
    king.calls.clear()
    (trip,) = change_limit.open_trips()
    other = scenario.load("hour_types")
    asked = [call.operation for call in king.calls.all()]
    change_limit.allow(trip.pk, by=factories.user())
    after = scenario.load("products", full=True)

    assert (stopped_run.status, other.status, asked) == ("partly", "succeeded", ["Tarieven_Opvragen"])
    assert (after.status, after.updated_count) == ("succeeded", 30)
    assert {row["price"] for row in outsmart.store.rows("materials")} == {"2.00"}
    assert ChangeLimitTrip.objects.get().state == "over"
    assert states() == [("a.xml", "read"), ("b.xml", "read")]


def test_a_held_back_upload_is_not_read_again_by_itself(
    tmp_path: Path, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    numbers = [f"A{number:03}" for number in range(30)]
    imported("--from-xml", written(tmp_path / "a.xml", articles(*numbers)))
    store.keep(written(tmp_path / "b.xml", articles(*numbers, price="2.00")), "b.xml")
    scenario.load()
    king.calls.clear()

    scenario.load()

    held = KingFile.objects.get(name="b.xml")
    assert (held.state, held.reason["code"]) == ("new", "file_held")
    assert "Artikelen_Opvragen" in [call.operation for call in king.calls.all()]


def test_a_file_that_changes_between_finding_and_reading_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.xml", articles("A"))
    file = store.register(path)
    path.write_bytes(articles("B"))

    run = scenario.load(files=[file.pk])

    assert (run.status, run.error["code"]) == (RunStatus.FAILED, "system.file_changed")
    assert states() == [("a.xml", "failed")]


def test_a_run_reads_no_files_of_another_tenant(tmp_path: Path, outsmart: OutSmartSandbox) -> None:
    with tenants.scope(factories.tenant()):
        foreign = store.register(written(tmp_path / "a.xml", articles("A")))

    run = scenario.load(files=[foreign.pk])

    assert (run.status, scenario.counts(run)) == ("succeeded", {})
    assert codes(outsmart) == []


# --- The setting ------------------------------------------------------------------------------------------------------


def test_the_tenant_file_names_the_reader(tenant: Tenant, tmp_path: Path) -> None:
    before = json.loads(command("show_tenant", tenant.slug)[1])
    path = tmp_path / "tenant.json"

    path.write_text(json.dumps({"slug": tenant.slug, "name": tenant.name, "king": {"reader": "files"}}))
    applied = command("apply_tenant", str(path))[0]
    after = json.loads(command("show_tenant", tenant.slug)[1])
    path.write_text(json.dumps(after))
    again = command("apply_tenant", str(path))[0]
    path.write_text(json.dumps({"slug": tenant.slug, "name": tenant.name, "king": {"reader": "letters"}}))

    assert before["king"]["reader"] == "webservice"
    assert (applied, again, after["king"]["reader"]) == (0, 0, "files")
    assert command("apply_tenant", str(path))[0] != 0
    assert Connection.objects.get(system=System.KING).reader == Connection.Reader.FILES
