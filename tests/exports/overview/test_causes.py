"""One cause that stops many work orders is one entry, and one button retries them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kingsync.exports.overview import causes
from kingsync.manual_actions import actions
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, ManualAction, WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.management.test_commands import command

JAN = "Jan Jansen"

pytestmark = pytest.mark.usefixtures("stocked")


def stopped(tenant: Tenant, code: str, state: str = "held", **params: str) -> str:
    reasons = [{"code": code, "params": params}]
    return factories.work_order(tenant, state=state, reasons=reasons).outsmart_id


def test_one_unknown_article_is_one_cause_and_one_retry_brings_all_of_them_in(
    king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    materials = [scenario.material("NIEUW"), scenario.material("NIEUW", "3"), scenario.material()]
    numbers = [scenario.work_order(outsmart, Materials=materials) for _ in range(5)]
    only = scenario.work_order(outsmart, Materials=[scenario.material("NIEUW")], Workperiods=[])  # nothing else to send
    scenario.export()

    (cause,) = causes.causes()

    assert (cause.key, cause.count, "NIEUW" in cause.sentence) == ("unknown_article:NIEUW", 6, True)
    assert [row.outsmart_id for row in cause.work_orders] == [only, *reversed(numbers)]
    king.store.put_record("article", "NIEUW", {"OmschrijvingKort": "Nieuw", "AantalDecimalen": 0})
    decided = actions.retry_cause(key=cause.key, by=JAN)
    run = scenario.export()
    assert (len(decided.done), decided.refused, ManualAction.objects.count()) == (6, [], 6)
    assert scenario.counts(run)["read"] == 6
    assert {scenario.ledger(number).state for number in [*numbers, only]} == {LedgerState.DONE}
    assert (causes.causes(), len(scenario.orders(king)), scenario.is_clean(king)) == ([], 6, True)


def test_the_cause_that_stops_most_comes_first(tenant: Tenant) -> None:
    stopped(tenant, "unknown_order", "rejected", number="1")
    for _ in range(3):
        stopped(tenant, "unknown_debtor", "rejected", debtor="10")

    found = causes.causes()

    assert [(cause.key, cause.count) for cause in found] == [("unknown_debtor:10", 3), ("unknown_order:1", 1)]


def test_values_of_single_work_orders_do_not_split_a_cause_or_stand_in_its_sentence(tenant: Tenant) -> None:
    stopped(tenant, "before_from_date", date="2024-01-05", from_date="2025-01-01")
    stopped(tenant, "before_from_date", date="2024-03-09", from_date="2025-02-02")

    (cause,) = causes.causes()

    assert (cause.key, cause.count) == ("before_from_date", 2)
    assert "2024" not in cause.sentence


def test_every_cause_has_a_whole_sentence(tenant: Tenant) -> None:
    for code, names in causes._NAMED_BY.items():
        stopped(tenant, code, **dict.fromkeys(names, "ZO"))

    sentences = {cause.code: cause.sentence for cause in causes.causes()}

    assert sentences.keys() == causes._NAMED_BY.keys() == causes._SENTENCES.keys()
    assert all("  " not in each and "%(" not in each for each in sentences.values())
    assert "ZO" in sentences["too_many_decimals"]


def test_keys_keep_values_apart_whatever_stands_in_them(tenant: Tenant) -> None:
    for value in ("a:b", "a%3Ab", "a b/ë", ""):
        stopped(tenant, "order_refused", "rejected", detail=value)

    keys = {cause.key for cause in causes.causes()}

    assert len(keys) == 4
    assert all(actions.retry_cause(key=key, by=JAN).done for key in keys)


def test_only_work_orders_that_need_a_person_have_a_cause(tenant: Tenant) -> None:
    for state in ("waiting", "sending", "unconfirmed", "excluded", "done"):
        stopped(tenant, "order_busy", state)

    assert causes.causes() == []


def test_another_tenants_work_orders_are_not_counted_or_retried(tenant: Tenant) -> None:
    stopped(factories.tenant(), "order_busy")

    assert causes.causes() == []
    with pytest.raises(causes.UnknownCauseError):
        actions.retry_cause(key="order_busy", by=JAN)


def test_only_the_newest_are_listed_and_all_are_counted(tenant: Tenant) -> None:
    made = [stopped(tenant, "not_linked") for _ in range(causes.LISTED + 5)]

    (cause,) = causes.causes()

    assert (cause.count, len(cause.work_orders)) == (causes.LISTED + 5, causes.LISTED)
    assert cause.work_orders[0].outsmart_id == made[-1]


def test_a_cause_of_several_texts_has_the_newest_of_all_of_them_and_their_amounts(tenant: Tenant) -> None:
    amounts = [Decimal(number) for number in range(2 * causes.LISTED)]
    for number, amount in enumerate([None, *amounts]):
        dated = [{"code": "before_from_date", "params": {"date": f"2024-01-0{number % 3 + 1}"}}]
        factories.work_order(tenant, state="held", reasons=dated, amount=amount)
    newest = list(WorkOrder.objects.order_by("-pk").values_list("pk", flat=True)[: causes.LISTED])

    (cause,) = causes.causes()
    (unnamed,) = causes.biggest(5)

    assert [row.pk for row in cause.work_orders] == newest
    assert (cause.count, cause.amount, cause.is_amount_least) == (len(amounts) + 1, sum(amounts), True)
    assert (unnamed.count, unnamed.work_orders) == (len(amounts) + 1, [])
    assert causes.stopped_by(cause.key)[: causes.LISTED] == newest


def test_a_big_cause_is_not_named_on_the_start_page_and_one_of_a_single_work_order_is(tenant: Tenant) -> None:
    alone = stopped(tenant, "not_linked")
    for _ in range(2):
        stopped(tenant, "order_busy")

    big, small = causes.biggest(5)

    assert (big.code, big.work_orders) == ("order_busy", [])
    assert [row.outsmart_id for row in small.work_orders] == [alone]


def test_what_cannot_be_retried_is_told(tenant: Tenant) -> None:
    stopped(tenant, "changed_after_export", "changed", detail="2 → 3")

    decided = actions.retry_cause(key="changed_after_export", by=JAN)

    assert (decided.done, [each.why.code for each in decided.refused]) == ([], ["decision.wrong_state"])


def test_the_command_lists_causes_and_retries_one(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    king.faults.add(Fault(kind="refuse", operation="Order_Toevoegen", code="K7", message="Kredietlimiet", times=2))
    numbers = [scenario.work_order(outsmart), scenario.work_order(outsmart)]
    scenario.export()

    _, listed = command("ledger", "jansen", "--causes", "--json")
    (cause,) = json.loads(listed)
    _, shown = command("ledger", "jansen", "--causes")
    code, retried = command("ledger", "jansen", "--retry-cause", cause["key"], "--by", JAN, "--json")

    assert list(cause) == ["key", "reason", "count", "work_orders"]
    assert (cause["key"], cause["count"]) == ("order_refused:K7%20Kredietlimiet", 2)
    assert cause["work_orders"] == numbers[::-1]
    assert shown.split()[:2] == ["2", cause["key"]]
    assert (code, sorted(json.loads(retried)["done"])) == (0, sorted(numbers))
