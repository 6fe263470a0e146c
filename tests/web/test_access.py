"""Every address for every person."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from kingsync.models.runs import RunKind, RunStatus
from kingsync.models.tenants import Role, Tenant
from kingsync.rules.outcomes import Reason
from kingsync.runs import clients, refreshing
from kingsync.web import urls
from tests import factories
from tests.web.conftest import People

# name → (method, the rest of the address, what an editor gets)
PAGES: dict[str, tuple[str, dict[str, object], int]] = {
    "tenant": ("get", {}, 200),
    "overview": ("get", {}, 200),
    "live": ("get", {"kind": "export"}, 200),
    "settings": ("get", {}, 200),
    "settings_versions": ("get", {}, 200),
    "text_preview": ("post", {}, 200),
    "runs": ("get", {}, 200),
    "run": ("get", {"run_id": 0}, 200),
    "records": ("get", {}, 200),
    "record": ("get", {"record_id": 0}, 200),
    "brake": ("get", {"brake_id": 0}, 200),
    "work_orders": ("get", {}, 200),
    "work_order": ("get", {"work_order_id": 0}, 200),
    "work_order_run": ("get", {"work_order_id": 0, "run_id": 0}, 200),
    "work_orders_file": ("get", {"form": "csv"}, 200),
    "causes": ("get", {}, 200),
}
ACTIONS: dict[str, tuple[str, dict[str, object], int]] = {
    "decide_many": ("post", {}, 400),
    "decide_cause": ("post", {}, 400),
    "decide": ("post", {"work_order_id": 0}, 400),
    "preview": ("post", {"work_order_id": 0}, 302),
    "export_one": ("post", {"work_order_id": 0}, 302),
    "brake": ("post", {"brake_id": 0}, 400),
    "start_run": ("post", {"kind": "import"}, 302),
    "cancel_run": ("post", {"run_id": 0}, 302),
    "settings": ("post", {}, 422),
    "test_connection": ("post", {"system": "king"}, 200),
    "refresh_choices": ("post", {}, 200),
    "forecast": ("post", {}, 200),
    "settings_restore": ("post", {"version": 1}, 302),
}


@pytest.fixture(autouse=True)
def _no_calls_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def works(connection: object) -> Reason | None:
        return None

    monkeypatch.setattr(clients, "test_connection", works)
    monkeypatch.setattr(refreshing, "refresh_choices", list)


def status_of(client: Client, tenant: Tenant, name: str, method: str, rest: dict[str, object]) -> int:
    made = {
        "run_id": factories.run(tenant, RunKind.EXPORT).pk,
        "work_order_id": factories.work_order(tenant).pk,
        "record_id": factories.record_link(tenant).pk,
        "brake_id": factories.brake(tenant).pk,
    }
    filled = {key: value or made[key] for key, value in rest.items()}
    address = reverse(name, kwargs={"slug": tenant.slug, **filled})
    return int(getattr(client, method)(address).status_code)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("person", ["owner", "editor", "viewer", "operator"])
def test_page_opens_for_the_tenants_people(
    client: Client, tenant: Tenant, people: People, name: str, person: str
) -> None:
    method, rest, expected = PAGES[name]
    client.force_login(getattr(people, person))

    assert status_of(client, tenant, name, method, rest) == expected


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("person", ["owner", "editor", "operator"])
def test_action_is_open_to_those_who_may_edit(
    client: Client, tenant: Tenant, people: People, name: str, person: str
) -> None:
    method, rest, expected = ACTIONS[name]
    client.force_login(getattr(people, person))

    assert status_of(client, tenant, name, method, rest) == expected


@pytest.mark.parametrize("name", ACTIONS)
def test_viewer_may_not_act(client: Client, tenant: Tenant, people: People, name: str) -> None:
    method, rest, _ = ACTIONS[name]
    client.force_login(people.viewer)

    assert status_of(client, tenant, name, method, rest) == 403


@pytest.mark.parametrize(("name", "table"), [*((n, "pages") for n in PAGES), *((n, "actions") for n in ACTIONS)])
def test_stranger_finds_nothing(client: Client, tenant: Tenant, people: People, name: str, table: str) -> None:
    method, rest, _ = (PAGES if table == "pages" else ACTIONS)[name]
    client.force_login(people.stranger)

    assert status_of(client, tenant, name, method, rest) == 404


@pytest.mark.parametrize(("name", "table"), [*((n, "pages") for n in PAGES), *((n, "actions") for n in ACTIONS)])
def test_without_login_everything_leads_to_the_login_page(
    client: Client, tenant: Tenant, name: str, table: str
) -> None:
    method, rest, _ = (PAGES if table == "pages" else ACTIONS)[name]

    assert status_of(client, tenant, name, method, rest) == 302


def test_every_address_of_a_tenant_stands_in_the_tables() -> None:
    of_a_tenant = {pattern.name for pattern in urls.urlpatterns if "slug" in str(pattern.pattern)}

    assert of_a_tenant == PAGES.keys() | ACTIONS.keys()


@pytest.mark.parametrize("name", ["start_run", "cancel_run", "test_connection", "settings_restore"])
def test_action_cannot_be_done_by_following_a_link(editor: Client, tenant: Tenant, name: str) -> None:
    _, rest, _ = ACTIONS[name]

    assert status_of(editor, tenant, name, "get", rest) == 405


def test_run_of_another_tenant_is_not_found_under_the_own_address(editor: Client, tenant: Tenant) -> None:
    foreign = factories.run(factories.tenant(), status=RunStatus.RUNNING)

    seen = editor.get(reverse("run", args=[tenant.slug, foreign.pk])).status_code
    stopped = editor.post(reverse("cancel_run", args=[tenant.slug, foreign.pk])).status_code

    assert (seen, stopped) == (404, 404)


def test_work_order_of_another_tenant_is_not_found_under_the_own_address(editor: Client, tenant: Tenant) -> None:
    foreign = factories.work_order(factories.tenant())

    assert editor.get(reverse("work_order", args=[tenant.slug, foreign.pk])).status_code == 404


def test_expired_login_takes_the_whole_page_to_the_login(client: Client, tenant: Tenant) -> None:
    answer = client.get(reverse("live", args=[tenant.slug, "export"]), headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == reverse("login")


def test_buttons_are_refused_without_the_csrf_token(tenant: Tenant, people: People) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people.editor)

    answer = strict.post(reverse("start_run", args=[tenant.slug, "export"]))

    assert answer.status_code == 403


def test_person_with_one_tenant_goes_straight_to_it(editor: Client) -> None:
    assert editor.get("/").headers["Location"] == "/t/jansen/"


def test_person_with_two_tenants_chooses(editor: Client, people: People) -> None:
    second = factories.tenant(slug="bakker", name="Bakker Klimaat")
    second.memberships.create(user=people.editor, role=Role.VIEWER)

    page = editor.get("/").content.decode()

    assert "/t/jansen/" in page
    assert "/t/bakker/" in page
    assert "elsewhere" not in page


def test_person_without_a_tenant_is_told_so(english: Client, db: None) -> None:
    english.force_login(factories.user())

    assert "You do not work for a company here yet" in english.get("/").content.decode()
