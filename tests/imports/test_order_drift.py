"""What King's staff do to an order after it became a work order: we show it, and leave the work order alone."""

from __future__ import annotations

from typing import Any

import pytest

from kingsync import worker
from kingsync.imports.orders import order_import, order_progress
from kingsync.models.links import ImportedLine, ReadState, RecordLink
from kingsync.models.runs import LogEntry, RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

ORDER = "500"


@pytest.fixture(autouse=True)
def _imported(tenant: Tenant, king: KingSandbox) -> None:
    scenario.stock(king)
    factories.settings(tenant, orders_enabled=True)
    put(king, ORDER)
    lines: list[dict[str, object]] = [
        {"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 4, "Magazijn": 1},
        {"RegelSoort": "ART", "ArtikelNummer": "KNIE", "AantalBesteld": 2, "Magazijn": 1},
    ]
    king.store.edit_order(int(ORDER), Edit(add=lines))
    scenario.load("orders")


def put(king: KingSandbox, *numbers: str) -> None:
    for number in numbers:
        king.store.put_record("order", number, {"DebiteurNummer": 10, "LeverDatum": "2025-12-01"})


def edit(king: KingSandbox, number: str = ORDER, **fields: Any) -> None:
    king.store.edit_order(int(number), Edit(**fields))


def line_id(article: str) -> int:
    return int(ImportedLine.objects.get(label=article).king_line_id)


def link(number: str = ORDER) -> RecordLink:
    return RecordLink.objects.get(kind="order", king_id=number)


def entries(event: str) -> list[LogEntry]:
    return list(LogEntry.objects.filter(event=event))


def states() -> dict[str, str]:
    return dict(RecordLink.objects.filter(kind="order").values_list("king_id", "state"))


def writes(outsmart: OutSmartSandbox) -> list[str]:
    return [call.operation for call in outsmart.calls.all() if call.method == "POST" or "Update" in call.operation]


# --- Changed ----------------------------------------------------------------------------------------------------------


def test_a_changed_order_is_shown_and_the_work_order_stays(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    edit(
        king,
        header={"LeverDatum": "2025-12-15", "Referentie": "Spoed"},
        change=[{"RegelID": line_id("BUIS"), "AantalBesteld": 6}],
        add=[{"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 1, "Magazijn": 2}],
        remove=[line_id("KNIE")],
    )
    outsmart.calls.clear()

    run = scenario.load("orders")

    assert (run.status, scenario.counts(run)) == ("succeeded", {"read": 1, "unchanged": 1})
    assert link().difference == [
        {"field": "reference", "sent": "-", "king": "Spoed"},
        {"field": "delivery_date", "sent": "01-12-2025", "king": "15-12-2025"},
        {"field": "line BUIS", "sent": "4", "king": "6"},
        {"field": "line KNIE", "sent": "2", "king": "-"},
        {"field": "line BUIS", "sent": "-", "king": "1"},
    ]
    assert writes(outsmart) == []


def test_a_difference_is_logged_once(king: KingSandbox) -> None:
    edit(king, header={"Referentie": "Spoed"})
    scenario.load("orders")
    edit(king, header={"Opmerking": ""})  # different bytes, same content

    scenario.load("orders")

    (entry,) = entries("record.differs")
    assert (entry.king_id, entry.outsmart_id, entry.level) == (ORDER, link().outsmart_id, "warning")
    assert entry.reason["params"]["fields"] == "reference"


def test_a_difference_that_king_takes_back_disappears(king: KingSandbox) -> None:
    edit(king, change=[{"RegelID": line_id("BUIS"), "AantalBesteld": 6}])
    scenario.load("orders")
    edit(king, change=[{"RegelID": line_id("BUIS"), "AantalBesteld": 4}])

    scenario.load("orders")

    assert link().difference == []


def test_an_order_of_the_same_bytes_is_not_compared(king: KingSandbox) -> None:
    before = link()
    RecordLink.objects.update(sent="not even JSON")

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 1, "unchanged": 1}
    assert link().synced_at == before.synced_at


def test_a_dry_run_shows_the_difference_and_stores_none(king: KingSandbox) -> None:
    edit(king, header={"Referentie": "Spoed"})

    run = scenario.load("orders", dry_run=True)

    (sample,) = run.dry_run_examples["orders"]["unchanged"]
    assert (sample["king_id"], sample["changes"]) == (ORDER, {"reference": ["-", "Spoed"]})
    assert link().difference == []


def test_what_the_export_wrote_is_no_difference(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    edit(king, header={"Referentie": "Spoed"})
    scenario.load("orders")
    work: dict[str, object] = {"status": "Compleet", "WorkStatus": "1", "Workperiods": [scenario.period()]}
    outsmart.store.edit_work_order(link().outsmart_id, work)
    scenario.export()

    scenario.load("orders")

    assert link().difference == []
    assert len(entries("record.differs")) == 1


def test_an_order_whose_customer_is_unknown_by_now_is_compared_all_the_same(king: KingSandbox) -> None:
    edit(king, header={"Referentie": "Spoed"})
    king.store.remove_record("debtor", "10")

    scenario.load("orders")

    assert [each["field"] for each in link().difference] == ["reference"]


# --- Closed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [{"close": True}, {"invoice": True}])
def test_an_order_that_is_closed_is_marked_and_nothing_is_deleted(
    king: KingSandbox, outsmart: OutSmartSandbox, closed: dict[str, Any]
) -> None:
    edit(king, **closed)
    outsmart.calls.clear()

    run = scenario.load("orders")

    assert (run.status, scenario.counts(run)) == ("succeeded", {})
    assert (link().state, link().reason["code"]) == ("deleted", "order_deleted_in_king")
    assert [entry.king_id for entry in entries("record.deleted_at_source")] == [ORDER]
    assert writes(outsmart) == []
    assert len(outsmart.store.all_work_orders()) == 1


def test_an_order_that_was_removed_is_marked_once(king: KingSandbox) -> None:
    king.store.remove_record("order", ORDER)

    scenario.load("orders")
    scenario.load("orders")

    assert link().state == "deleted"
    assert len(entries("record.deleted_at_source")) == 1


def test_an_order_that_is_open_again_is_linked_again(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    edit(king, close=True)
    scenario.load("orders")
    edit(king, close=False, header={"Referentie": "Toch"})

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 1, "unchanged": 1}
    assert (link().state, link().reason) == ("linked", {})
    assert [each["field"] for each in link().difference] == ["reference"]
    assert len(outsmart.store.all_work_orders()) == 1


def test_an_exported_order_may_close(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    work: dict[str, object] = {"status": "Compleet", "WorkStatus": "1", "Workperiods": [scenario.period()]}
    outsmart.store.edit_work_order(link().outsmart_id, work)
    scenario.export()
    edit(king, invoice=True)

    scenario.load("orders")

    assert link().state == "linked"


def test_an_order_that_king_still_knows_as_open_is_not_marked(
    king: KingSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_progress.OrderScan, "mark_seen", lambda *_: None)  # its page was read before it moved

    scenario.load("orders")

    assert link().state == "linked"


def test_a_page_with_an_order_without_a_number_proves_nothing(
    king: KingSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(king, "501")
    edit(king, close=True)
    monkeypatch.setattr(order_import, "LONGEST_NUMBER", 2)

    run = scenario.load("orders")

    assert scenario.counts(run) == {"read": 1, "rejected": 1}
    assert link().state == "linked"


def test_only_so_many_are_asked_for_in_one_run(king: KingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    put(king, "501", "502")
    scenario.load("orders")
    monkeypatch.setattr(order_progress, "ASKED_AT_MOST", 2)
    for number in (ORDER, "501", "502"):
        edit(king, number, close=True)

    scenario.load("orders")
    after_one = states()
    scenario.load("orders")

    assert after_one == {ORDER: "deleted", "501": "deleted", "502": "linked"}
    assert set(states().values()) == {"deleted"}


def test_a_dry_run_tells_what_is_gone_and_marks_nothing(king: KingSandbox) -> None:
    edit(king, close=True)
    before = list(ReadState.objects.filter(purpose="orders").values())

    run = scenario.load("orders", dry_run=True)

    assert [sample["king_id"] for sample in run.dry_run_examples["orders"]["deleted"]] == [ORDER]
    assert link().state == "linked"
    assert list(ReadState.objects.filter(purpose="orders").values()) == before


# --- Slices -----------------------------------------------------------------------------------------------------------


def in_slices(king: KingSandbox, **options: Any) -> tuple[SyncRun, int]:
    """Run an import of orders in slices that end after each page."""
    options = {"kinds": ["orders"], **options}
    requested = lifecycle.request(kind=RunKind.IMPORT, trigger=SyncRun.Trigger.SCHEDULE, options=options)
    slices = 1
    while worker.work_slice(requested.run.pk, slice_seconds=0).more:
        slices += 1
    return SyncRun.objects.get(pk=requested.run.pk), slices


def test_a_pass_goes_on_where_the_slice_ended(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_import, "PAGE", 1)
    put(king, "501", "502")

    run, slices = in_slices(king)

    assert (slices, scenario.counts(run)) == (3, {"read": 3, "created": 2, "unchanged": 1})
    assert (run.progress_done, run.counts_by_kind) == (3, {"orders": {"read": 3, "created": 2, "unchanged": 1}})
    assert len(outsmart.store.all_work_orders()) == 3


def test_what_is_gone_is_known_after_several_slices(king: KingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    put(king, "501", "502")
    scenario.load("orders")
    monkeypatch.setattr(order_import, "PAGE", 1)
    edit(king, "501", close=True)

    _, slices = in_slices(king)

    assert slices == 2
    assert states() == {ORDER: "linked", "501": "deleted", "502": "linked"}
    assert ReadState.objects.get(purpose="orders").unseen is None


class KilledError(BaseException):
    """A killed process, seen from inside."""


def test_a_killed_slice_proves_nothing_and_the_next_pass_does(
    king: KingSandbox, outsmart: OutSmartSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(king, "501", "502")
    scenario.load("orders")
    put(king, "503")
    edit(king, "501", close=True)
    options: dict[str, object] = {"kinds": ["orders"]}
    requested = lifecycle.request(kind=RunKind.IMPORT, trigger=SyncRun.Trigger.SCHEDULE, options=options)
    with monkeypatch.context() as patch:
        patch.setattr(order_import, "PAGE", 1)
        patch.setattr(order_import.OrderImport, "_page", _killed_at_the_second(order_import.OrderImport._page))
        with pytest.raises(KilledError):
            worker.work_slice(requested.run.pk, slice_seconds=scenario.FOREVER)

    worker.work_slice(requested.run.pk, slice_seconds=scenario.FOREVER)
    taken_over, after_it = SyncRun.objects.get(pk=requested.run.pk), states()
    scenario.load("orders")

    assert scenario.counts(taken_over) == {"read": 3, "created": 1, "unchanged": 2}
    assert after_it["501"] == "linked"
    assert states()["501"] == "deleted"
    assert len(outsmart.store.all_work_orders()) == 4


def _killed_at_the_second(page: Any) -> Any:
    calls: list[object] = []

    def killing(self: object, content: object) -> None:
        calls.append(content)
        if len(calls) == 2:
            raise KilledError
        page(self, content)

    return killing
