"""The users page: the members, and changes that never leave a tenant without an owner."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from kingsync.accounts import invitations, members
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.users import User
from tests import factories
from tests.web import pages
from tests.web.conftest import People

PAGE = "/t/jansen/people/"


@pytest.fixture
def owner(english: Client, people: People) -> Client:
    english.force_login(people.owner)
    return english


def of(tenant: Tenant, user: User) -> Membership:
    return tenant.memberships.get(user=user)


def send(browser: Client, name: str, membership: Membership, **sent: str) -> str:
    """Press a button in a member's row; return the words of the page that follows."""
    address = reverse(name, args=[membership.tenant.slug, membership.pk])
    return pages.text(browser.post(address, sent, follow=True))


def test_page_lists_members_with_role_second_step_and_last_login(owner: Client, people: People) -> None:
    Authenticator.objects.create(user=people.editor, confirmed=True)

    text = pages.text(owner.get(PAGE))

    for name in ("alice", "eddy", "bob"):
        assert name in text
    assert "charlie" not in text
    assert "never" in text
    assert text.count(" on ") >= 1


def test_viewer_sees_the_list_without_any_button(viewer: Client, tenant: Tenant, people: People) -> None:
    invitations.invite(tenant, email="nina@jansen.example", role=Role.VIEWER, by=people.owner)

    html = pages.html(viewer.get(PAGE))

    assert "alice" in html
    assert "/people/invite/" not in html
    assert "nina@jansen.example" not in html
    assert "/role/" not in html


def test_owner_changes_a_role(owner: Client, tenant: Tenant, people: People) -> None:
    text = send(owner, "member_role", of(tenant, people.viewer), role="editor")

    assert "bob now has the role “editor”." in text
    assert of(tenant, people.viewer).role == Role.EDITOR


def test_unknown_role_is_refused(owner: Client, tenant: Tenant, people: People) -> None:
    answer = owner.post(reverse("member_role", args=["jansen", of(tenant, people.viewer).pk]), {"role": "king"})

    assert answer.status_code == 422
    assert of(tenant, people.viewer).role == Role.VIEWER


def test_removing_asks_first(owner: Client, tenant: Tenant, people: People) -> None:
    asked = send(owner, "member_remove", of(tenant, people.viewer))
    is_still_there = tenant.memberships.filter(user=people.viewer).exists()

    send(owner, "member_remove", of(tenant, people.viewer), sure="1")

    assert "bob will no longer be able to open the pages" in asked
    assert is_still_there
    assert not tenant.memberships.filter(user=people.viewer).exists()
    assert User.objects.filter(pk=people.viewer.pk).exists()


def test_removed_member_is_outside_at_once(owner: Client, tenant: Tenant, people: People) -> None:
    browser = Client()
    browser.force_login(people.viewer)
    before = browser.get(PAGE).status_code

    send(owner, "member_remove", of(tenant, people.viewer), sure="1")

    assert (before, browser.get(PAGE).status_code) == (200, 404)


@pytest.mark.parametrize(("name", "sent"), [("member_role", {"role": "viewer"}), ("member_remove", {})])
def test_last_owner_stays(owner: Client, tenant: Tenant, people: People, name: str, sent: dict[str, str]) -> None:
    text = send(owner, name, of(tenant, people.owner), sure="1", **sent)

    assert "There must be an owner." in text
    assert of(tenant, people.owner).role == Role.OWNER


@pytest.mark.parametrize(
    ("name", "sent", "said"),
    [
        ("member_role", {"role": "viewer"}, "You are about to change your own role to “viewer”."),
        ("member_remove", {}, "You are about to remove yourself."),
    ],
)
def test_owner_who_gives_up_the_own_role_is_told_first(
    owner: Client, tenant: Tenant, people: People, name: str, sent: dict[str, str], said: str
) -> None:
    tenant.memberships.filter(user=people.editor).update(role=Role.OWNER)

    text = send(owner, name, of(tenant, people.owner), **sent)

    assert said in text
    assert of(tenant, people.owner).role == Role.OWNER


def test_owner_who_is_sure_leaves(owner: Client, tenant: Tenant, people: People) -> None:
    tenant.memberships.filter(user=people.editor).update(role=Role.OWNER)

    answer = owner.post(reverse("member_remove", args=["jansen", of(tenant, people.owner).pk]), {"sure": "1"})

    assert answer.headers["Location"] == "/"
    assert not tenant.memberships.filter(user=people.owner).exists()


def test_member_of_another_tenant_cannot_be_touched(owner: Client, people: People) -> None:
    foreign = Membership.objects.get(user=people.stranger)

    found = [
        owner.post(reverse(name, args=["jansen", foreign.pk]), {"role": "viewer", "sure": "1"}).status_code
        for name in ("member_role", "member_remove")
    ]

    assert found == [404, 404]
    assert Membership.objects.get(pk=foreign.pk).role == Role.OWNER


def test_operator_manages_people_without_being_a_member(english: Client, tenant: Tenant, people: People) -> None:
    english.force_login(people.operator)

    send(english, "member_role", of(tenant, people.viewer), role="owner")

    assert of(tenant, people.viewer).role == Role.OWNER


def test_owner_sets_what_holds_for_the_whole_company(owner: Client, tenant: Tenant) -> None:
    sent = {
        "log_days": "30",
        "payload_days": "30",
        "verification_calls": "500",
        "silence_hours": "6",
        "requires_second_step": "on",
    }
    owner.post(reverse("company", args=["jansen"]), sent)

    tenant.refresh_from_db()
    assert (tenant.log_days, tenant.verification_calls, tenant.requires_second_step) == (30, 500, True)


@pytest.mark.parametrize("calls", ["-1", "100001", "many", ""])
def test_impossible_number_of_verification_calls_is_refused(owner: Client, tenant: Tenant, calls: str) -> None:
    answer = owner.post(
        reverse("company", args=["jansen"]),
        {"log_days": "30", "payload_days": "30", "verification_calls": calls, "silence_hours": "6"},
    )

    tenant.refresh_from_db()
    assert (answer.status_code, tenant.verification_calls) == (422, 2000)


@pytest.mark.parametrize("days", ["6", "3651", "many", ""])
def test_impossible_number_of_days_is_refused(owner: Client, tenant: Tenant, days: str) -> None:
    answer = owner.post(reverse("company", args=["jansen"]), {"log_days": days})

    tenant.refresh_from_db()
    assert (answer.status_code, tenant.log_days) == (422, 90)


def test_number_of_queries_does_not_grow_with_the_members(
    owner: Client, tenant: Tenant, people: People, django_assert_num_queries: object
) -> None:
    for _number in range(8):
        factories.member(tenant)
        invitations.invite(tenant, email=f"n{_number}@jansen.example", role=Role.VIEWER, by=people.owner)

    with django_assert_num_queries(7):  # type: ignore[operator]
        answer = owner.get(PAGE)

    assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_remove_each_other() -> None:
    tenant = factories.tenant()
    both = [of(tenant, factories.member(tenant, Role.OWNER)) for _number in range(2)]
    refused: list[Exception] = []

    def remove(membership: Membership) -> None:
        try:
            members.remove(tenant, membership.pk)
        except members.LastOwnerError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=[each]) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(refused), tenant.memberships.filter(role=Role.OWNER).count()) == (1, 1)
