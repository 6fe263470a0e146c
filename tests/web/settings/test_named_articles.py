"""A stand-in article that King does not know, or has blocked, is refused; before King was read it is accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from integrations.king.records import Kind
from kingsync import tenant_file
from kingsync.king_mirror import mirror, named_articles
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import conftest
from tests.web.pages import html
from tests.web.settings.settings_entries import ADDRESS, entries, stored

UNKNOWN = "King does not know article “GEEN”."
BLOCKED = "Article “OUD” is blocked for sale in King."
EVERY = pytest.mark.parametrize("name", named_articles.SETTINGS)


@pytest.fixture
def articles(tenant: Tenant) -> Tenant:
    """Fill the mirror with one article of King."""
    with tenants.scope(tenant):
        mirror.store(Kind.ARTICLE, [b'{"ArtikelNummer": "DIV", "EanCode": "8710000000001"}'])
        mirror.mark_filled(Kind.ARTICLE)
    return tenant


@EVERY
def test_article_that_king_does_not_know_is_refused_at_its_field(
    editor: Client, usual: dict[str, Any], articles: Tenant, name: str
) -> None:
    answer = editor.post(ADDRESS, usual | {name: "GEEN", "hour_rounding": "30"})

    assert answer.status_code == 422
    assert answer.context["forms"].choices.errors[name] == [
        f"{UNKNOWN} If it is new in King, press “Refresh pick lists” and save again."
    ]
    assert stored(articles).version == 1


@EVERY
@pytest.mark.parametrize("code", ["DIV", " DIV ", "8710000000001", ""])
def test_article_is_chosen_by_its_number_or_ean_code(
    editor: Client, usual: dict[str, Any], articles: Tenant, name: str, code: str
) -> None:
    editor.post(ADDRESS, usual | {name: code, "hour_rounding": "30"})

    assert (getattr(stored(articles), name), stored(articles).version) == (code.strip(), 2)


@EVERY
def test_article_is_accepted_before_king_was_read(
    editor: Client, tenant: Tenant, usual: dict[str, Any], name: str
) -> None:
    editor.post(ADDRESS, usual | {name: "GEEN"})

    assert getattr(stored(tenant), name) == "GEEN"


def test_article_that_left_king_is_shown_as_such_and_keeps_nobody_from_saving(editor: Client, articles: Tenant) -> None:
    SyncSettings.across_tenants.filter(tenant=articles).update(free_line_article="GEEN")

    page = html(editor.get(ADDRESS))
    answer = editor.post(ADDRESS, entries(editor) | {"hour_rounding": "30"}, follow=True)

    assert f'<p class="help note">{UNKNOWN}</p>' in page
    assert "Saved." in html(answer)
    assert stored(articles).hour_rounding == 30


def test_article_that_is_new_in_king_is_found_by_refreshing_the_pick_lists(
    editor: Client, articles: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    Connection.across_tenants.all().delete()
    conftest.connect(articles, king, outsmart)
    king.store.put_record("article", "NIEUW", {"Omschrijving": "Divers"})
    typed = entries(editor) | {"free_line_article": "NIEUW"}
    assert editor.post(ADDRESS, typed).status_code == 422

    editor.post(f"{ADDRESS}choices/", typed, follow=True)
    editor.post(ADDRESS, typed)

    assert stored(articles).free_line_article == "NIEUW"


@EVERY
def test_tenant_file_with_an_unknown_article_is_refused_with_its_path(articles: Tenant, name: str) -> None:
    file = {"slug": articles.slug, "name": "Another name", "exports": {name: "GEEN"}}

    with pytest.raises(tenant_file.TenantFileError) as refused:
        tenant_file.apply(json.dumps(file).encode())

    assert refused.value.problems == {f"exports.{name}": UNKNOWN}
    articles.refresh_from_db()
    assert articles.name != "Another name"


def test_tenant_file_may_repeat_an_article_that_left_king(articles: Tenant) -> None:
    SyncSettings.across_tenants.filter(tenant=articles).update(free_line_article="GEEN")

    tenant_file.apply(json.dumps(tenant_file.show(articles) | {"name": "Another name"}).encode())

    articles.refresh_from_db()
    assert articles.name == "Another name"


def test_tenant_file_names_any_article_before_king_was_read(tenant: Tenant) -> None:
    tenant_file.apply(json.dumps({"slug": tenant.slug, "name": "J", "exports": {"travel_article": "GEEN"}}).encode())

    assert stored(tenant).travel_article == "GEEN"


@pytest.fixture
def blocked(articles: Tenant) -> Tenant:
    """Add an article to the mirror that King does not sell any more."""
    with tenants.scope(articles):
        mirror.store(Kind.ARTICLE, [b'{"ArtikelNummer": "OUD", "GeblokkeerdVoorVerkoop": 1}'])
    return articles


@EVERY
def test_article_that_is_blocked_in_king_is_refused_at_its_field(editor: Client, blocked: Tenant, name: str) -> None:
    answer = editor.post(ADDRESS, entries(editor) | {name: "OUD"})

    assert answer.status_code == 422
    assert answer.context["forms"].choices.errors[name] == [
        f"{BLOCKED} Once it is unblocked in King, press “Refresh pick lists” and save again."
    ]
    assert stored(blocked).version == 1


def test_article_that_was_blocked_since_is_shown_as_such_and_keeps_nobody_from_saving(
    editor: Client, blocked: Tenant
) -> None:
    SyncSettings.across_tenants.filter(tenant=blocked).update(free_line_article="OUD")

    page = html(editor.get(ADDRESS))
    editor.post(ADDRESS, entries(editor) | {"hour_rounding": "30"})

    assert f'<p class="help note">{BLOCKED}</p>' in page
    assert stored(blocked).hour_rounding == 30


def test_article_that_was_unblocked_in_king_is_accepted_after_refreshing_the_pick_lists(
    editor: Client, blocked: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    Connection.across_tenants.all().delete()
    conftest.connect(blocked, king, outsmart)
    king.store.put_record("article", "OUD", {"Omschrijving": "Weer te koop"})
    typed = entries(editor) | {"free_line_article": "OUD"}
    assert editor.post(ADDRESS, typed).status_code == 422

    editor.post(f"{ADDRESS}choices/", typed, follow=True)
    editor.post(ADDRESS, typed)

    assert stored(blocked).free_line_article == "OUD"


@EVERY
def test_tenant_file_with_a_blocked_article_is_refused_with_its_path(blocked: Tenant, name: str) -> None:
    file = {"slug": blocked.slug, "name": "Another name", "exports": {name: "OUD"}}

    with pytest.raises(tenant_file.TenantFileError) as refused:
        tenant_file.apply(json.dumps(file).encode())

    assert refused.value.problems == {f"exports.{name}": BLOCKED}
