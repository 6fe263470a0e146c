"""Settings and blocks switched back and forth: each record ends as it should, and is not sent needlessly."""

from __future__ import annotations

import pytest

from kingsync.models.links import RecordLink
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.imports.test_import_edges import listed
from tests.imports.test_import_slices import sent
from tests.imports.test_imports import CUSTOMER, posts
from tests.scenario import choose


@pytest.fixture(autouse=True)
def _settled(tenant: Tenant) -> None:
    factories.settings(tenant)


@pytest.mark.parametrize("kind", ["debtor", "rate", "article"])
def test_a_policy_that_is_switched_back_and_forth_ends_where_it_should(
    king: KingSandbox, outsmart: OutSmartSandbox, kind: str
) -> None:
    name, endpoint, blocked = {
        "debtor": ("customers", "relations", "BlokkeerOrderInvoer"),
        "rate": ("hour_types", "hourtypes", "GeblokkeerdVoorVerkoop"),
        "article": ("products", "materials", "GeblokkeerdVoorVerkoop"),
    }[kind]
    fields = CUSTOMER if kind == "debtor" else {"OmschrijvingKort": "Iets"}
    king.store.put_record(kind, "10", fields)
    scenario.load(name)
    king.store.put_record(kind, "10", fields | {blocked: 1})
    seen = []
    for policy in ("deactivate", "import", "skip", "deactivate", "skip", "import"):
        choose(**{f"{name}_inactive": policy})
        outsmart.calls.clear()
        scenario.load(name)
        once = len(posts(outsmart))
        scenario.load(name, full=True)
        assert len(posts(outsmart)) == once, "sent again without a need"
        (row,) = outsmart.store.rows(endpoint)
        seen.append((row.get("active", "1"), once))
    king.store.put_record(kind, "10", fields | {blocked: 0})
    scenario.load(name)

    product = [("1", 0)] * 6
    other = [("0", 1), ("1", 1), ("1", 0), ("0", 1), ("0", 0), ("1", 1)]
    assert seen == (product if kind == "article" else other)
    assert listed({"debtor": "customer", "rate": "hour_type", "article": "product"}[kind]) == []


def test_revenue_groups_that_are_toggled_send_each_product_once(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for number, group in (("A", 800), ("B", 810)):
        king.store.put_record("article", number, {"OmschrijvingKort": number, "OpbrengstGroepNummer": group})
    for groups in (["800"], [], ["810"], ["800", "810"]):
        choose(products_revenue_groups=groups)
        scenario.load("products")

    assert sent(outsmart) == {"A": 1, "B": 1}
    assert listed("product") == []


def test_numbers_that_differ_in_case_only_are_two_records(king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    for number in ("buis", "BUIS"):
        king.store.put_record("article", number, {"OmschrijvingKort": number})

    run = scenario.load("products")

    assert scenario.counts(run) == {"read": 2, "created": 2}
    assert RecordLink.objects.filter(state="linked").count() == 2
    assert scenario.counts(scenario.load("products", full=True)) == {"read": 2, "unchanged": 2}
