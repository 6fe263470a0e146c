"""Named views of the list: saved with their filters and order, found again, for the user alone."""

from __future__ import annotations

import pytest
from django.test import Client

from kingsync.accounts import members
from kingsync.models import tenants
from kingsync.models.accounts.saved_views import SavedView
from kingsync.models.tenants import Tenant
from kingsync.rules import limits
from kingsync.web.work_orders import saved_view_pages
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html, text

LEDGER = "/t/jansen/work-orders/"
SAVE = f"{LEDGER}views/save/"


def saved(tenant: Tenant) -> list[tuple[str, str]]:
    found = SavedView.across_tenants.filter(tenant=tenant).order_by("name")
    return list(found.values_list("name", "query"))


def save(client: Client, name: str, asked: str) -> str:
    return text(client.post(SAVE, {"name": name, "asked": asked}, follow=True))


def test_view_is_saved_with_its_filters_and_order_and_found_again(editor: Client, tenant: Tenant) -> None:
    factories.work_order(tenant, order_number="W1", state="held", customer_name="Visser & Zn")

    page = save(editor, "Open van Visser", "sort=-amount&q=Visser+%26&state=held&before=12&unknown=1")
    listed = html(editor.get(LEDGER))

    assert "View “Open van Visser” was saved." in page
    assert saved(tenant) == [("Open van Visser", "state=held&q=Visser+%26&sort=-amount")]
    assert '<a href="?state=held&amp;q=Visser+%26&amp;sort=-amount">Open van Visser</a>' in listed
    shown = editor.get(f"{LEDGER}?state=held&q=Visser+%26&sort=-amount")
    assert [row.order_number for row in shown.context["page"].rows] == ["W1"]
    assert 'sort=-amount" aria-current="true">Open van Visser</a>' in html(shown)


def test_view_of_the_same_name_is_replaced(editor: Client, tenant: Tenant) -> None:
    save(editor, "Mine", "mine=me")
    save(editor, "Mine", "mine=me&state=held")

    assert saved(tenant) == [("Mine", "state=held&mine=me")]


@pytest.mark.parametrize(
    ("name", "asked", "problem"),
    [
        ("  ", "state=held", "Enter a name for the view."),
        ("x" * (limits.VIEW_NAME + 1), "state=held", "The name of a view has at most 60 characters."),
        ("Everything", "", "Choose a filter or a sort order first, then save the view."),
        ("Nothing known", "state=none&since=x&before=4", "Choose a filter or a sort order first"),
        ("Too long", "state=held&cause=" + "%E2%82%AC" * 400, "Choose a filter or a sort order first"),
    ],
)
def test_view_that_cannot_be_saved_says_why(
    editor: Client, tenant: Tenant, name: str, asked: str, problem: str
) -> None:
    assert problem in save(editor, name, asked)
    assert saved(tenant) == []


def test_one_more_than_are_readable_is_refused_but_one_of_them_can_be_replaced(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_view_pages, "VIEWS_AT_MOST", 1)
    save(editor, "First", "state=held")

    assert "You have 1 views already. Remove one first." in save(editor, "Second", "state=done")
    assert "View “First” was saved." in save(editor, "First", "state=done")
    assert saved(tenant) == [("First", "state=done")]


def test_views_are_of_one_user_and_one_company(editor: Client, english: Client, tenant: Tenant, people: People) -> None:
    save(editor, "Of the editor", "state=held")
    view = SavedView.across_tenants.get()
    with tenants.scope(factories.tenant()):
        SavedView(user=people.owner, name="Elsewhere", query="state=done").save()
    english.force_login(people.owner)

    page = html(english.get(LEDGER))
    english.post(f"{LEDGER}views/{view.pk}/remove/")

    assert "Of the editor" not in page
    assert "Elsewhere" not in page
    assert saved(tenant) == [("Of the editor", "state=held")]


def test_view_is_removed_by_its_user_and_the_list_stays_as_it_was(editor: Client, tenant: Tenant) -> None:
    save(editor, "Held", "state=held")
    address = f"{LEDGER}views/{SavedView.across_tenants.get().pk}/remove/"

    removed = editor.post(address, {"asked": "state=done"})
    again = editor.post(address, {"asked": ""})

    assert removed["Location"] == f"{LEDGER}?state=done"
    assert again["Location"] == LEDGER
    assert saved(tenant) == []


def test_viewer_saves_views_too(viewer: Client, tenant: Tenant) -> None:
    assert "View “Held” was saved." in save(viewer, "Held", "state=held")


def test_views_go_with_the_user_who_leaves_the_company(editor: Client, tenant: Tenant, people: People) -> None:
    save(editor, "Held", "state=held")

    members.remove(tenant, tenant.memberships.get(user=people.editor).pk)

    assert saved(tenant) == []


def test_list_without_views_or_filters_shows_nothing_of_them(editor: Client, tenant: Tenant) -> None:
    assert "Saved views" not in html(editor.get(LEDGER))
