"""The demo data: believable, the same for the same seed, of any size, one company on both sides."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from msgspec import UNSET

from sandboxes.king import company as made_up_company
from sandboxes.king.example_company import example_company
from sandboxes.king.records import Article
from sandboxes.king.sandbox import KingSandbox
from sandboxes.messages import Record
from sandboxes.outsmart.example_work_orders import make_work_orders
from tests.sandboxes.callers import KingCaller

TEXTS = {"name": 40, "search_code": 10, "street": 40, "postal_code": 40, "city": 40, "house_number": 10, "phone": 25}


def rows(work_order: Record, name: str) -> list[Record]:
    value = work_order[name]
    assert isinstance(value, list)
    return value


def test_usual_company_has_the_sizes_of_the_demo() -> None:
    company = made_up_company.company()

    assert (len(company.debtors), len(company.articles), len(company.rates)) == (40, 300, 12)
    assert (len(company.warehouses), len(company.orders)) == (4, 10)


@pytest.mark.parametrize("seed", [1, 2, 3, 99])
def test_texts_fit_king_and_numbers_are_unique(seed: int) -> None:
    company = made_up_company.company(seed=seed, records=2000, debtors=200)

    for debtor in company.debtors:
        for name, longest in TEXTS.items():
            assert len(str(getattr(debtor, name))) <= longest
    for article in company.articles:
        assert len(article.number) <= 20
        assert len(article.short_description) <= 40
        assert len(article.unit) <= 20
        assert 0 <= article.decimals <= 3
        assert len(article.ean) in {0, 13}
    assert len({article.number for article in company.articles}) == 2000


def test_company_has_what_exports_and_imports_can_stumble_over() -> None:
    company = made_up_company.company()

    assert any(debtor.is_blocked for debtor in company.debtors)
    assert any(debtor.invoice_number is not UNSET for debtor in company.debtors)
    assert any(not debtor.street for debtor in company.debtors)
    assert any(not debtor.email for debtor in company.debtors)
    assert any(debtor.contacts for debtor in company.debtors)
    assert any(debtor.addresses for debtor in company.debtors)
    assert any(article.is_blocked for article in company.articles)
    assert {article.decimals for article in company.articles} == {0, 1, 2, 3}
    assert {rate.decimals for rate in company.rates} == {0, 1, 2, 3}
    assert {"MONT", "MONT150", "REIS", "STORING"} <= {rate.number for rate in company.rates}


def test_first_records_are_the_same_whatever_the_size() -> None:
    small, large = made_up_company.company(records=40, debtors=40), made_up_company.company(records=5000, debtors=500)

    assert large.debtors[:40] == small.debtors
    assert large.articles[:40] == small.articles
    assert large.orders == small.orders


def test_example_company_is_the_one_of_the_example_answer() -> None:
    company = example_company()

    assert [one.number for one in company.debtors] == [10020, 10023, 10311, 10488]
    assert {one.number: one.decimals for one in company.articles} == {
        **dict.fromkeys(("EXP-035", "PAK-ONTL", "REL-CMP-230", "VOORRIJ", "WTW-350"), 0),
        **dict.fromkeys(("BUIS-22", "SLANG-160"), 1),
    }
    assert {one.number: one.decimals for one in company.rates} == dict.fromkeys(
        ("MONT", "MONT150", "REIS", "STORING"), 2
    )
    assert [one.number for one in company.warehouses] == [1, 2]
    assert {one.number: (one.debtor, len(one.lines)) for one in company.orders} == {
        20251184: (10020, 2),
        20251201: (10488, 1),
    }


def test_work_orders_stand_in_every_state() -> None:
    work_orders = list(make_work_orders(1, 25))

    states = Counter((one["status"], one["WorkStatus"], one["Archived"]) for one in work_orders)
    assert states == {
        ("Compleet", "1", "0"): 14,
        ("Compleet", "1", "1"): 1,
        ("Compleet", "2", "0"): 1,
        ("Compleet", "5", "0"): 1,
        ("Compleet", "99", "0"): 1,
        ("Klaargezet", "2", "0"): 2,
        ("Opgehaald", "2", "0"): 2,
        ("Opgehaald", "5", "0"): 1,
        ("Afgehandeld", "10", "0"): 2,
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_sandboxes_of_a_seed_belong_to_one_company(seed: int) -> None:
    company = made_up_company.company(seed=seed)
    debtors = {str(one.number) for one in company.debtors}
    orders = {str(one.number): str(one.debtor) for one in company.orders}
    rates = {one.number for one in company.rates}
    warehouses = {str(one.number) for one in company.warehouses}

    for work_order in make_work_orders(seed, 60):
        assert work_order["CustomerDebtorNr"] in debtors
        assert work_order["CustomerDebtorNrInvoice"] in debtors
        if work_order["WorkorderNo"] not in {"", "SERV-8841"}:
            assert orders[str(work_order["WorkorderNo"])] == work_order["CustomerDebtorNr"]
        assert {one["HourType"] for one in rows(work_order, "Workperiods")} <= rates | {""}
        assert {one["MaterialWarehouseCode"] for one in rows(work_order, "Materials")} <= warehouses | {""}


def test_only_the_one_article_that_is_meant_to_be_unknown_is_unknown() -> None:
    articles = {one.number for one in made_up_company.company(records=36).articles}

    used = {str(row["MaterialCode"]) for one in make_work_orders(1, 200) for row in rows(one, "Materials")}

    assert used - articles == {"BESTAATNIET-1", ""}


def test_work_orders_are_the_same_for_the_same_seed_only() -> None:
    assert list(make_work_orders(4, 30)) == list(make_work_orders(4, 30))
    assert list(make_work_orders(4, 30)) != list(make_work_orders(5, 30))


def test_hundred_thousand_articles_are_made_and_read_quickly() -> None:
    started = time.process_time()  # work, not waiting: other programs may keep the machine busy
    with KingSandbox(records=100_000) as king, KingCaller(king) as caller:
        made = time.process_time() - started
        page = caller.post("Artikelen_Opvragen", {"VanafNummer": "KBL"})

    assert made < 3
    assert len(page.json()[0]["Artikelen"]) == 500


def test_article_numbers_have_a_valid_ean() -> None:
    article = next(one for one in made_up_company.make_articles(1, 50) if one.ean)

    digits = [int(one) for one in article.ean]
    assert isinstance(article, Article)
    assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0
