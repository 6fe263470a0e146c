"""Invitations: a single-use link, valid for seven days, for the invited person."""

from __future__ import annotations

import datetime
import re
import threading

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kingsync.accounts import invitations
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from tests import factories
from tests.web import pages
from tests.web.conftest import People

NEW = {"name": "Nina Nieuw", "password": "paard batterij nietje", "again": "paard batterij nietje"}
EMAIL = "nina@jansen.example"


@pytest.fixture
def owner(client: Client, people: People) -> Client:
    client.force_login(people.owner)
    return client


@pytest.fixture
def visitor() -> Client:
    """Return the browser of a person who opens a link from an e-mail."""
    return Client(headers={"Accept-Language": "en"})


def asked(tenant: Tenant, people: People, email: str = EMAIL, role: Role = Role.EDITOR) -> str:
    """Send an invitation; return the link in the e-mail."""
    mail.outbox.clear()
    invitations.invite(tenant, email=email, role=role, by=people.owner)
    return link_of_mail()


def link_of_mail() -> str:
    [address] = re.findall(r"http://127\.0\.0\.1:8000(/invitation/\S+)", str(mail.outbox[-1].body))
    return str(address)


def test_owner_invites_and_the_mail_holds_a_link(owner: Client, tenant: Tenant) -> None:
    owner.post(reverse("invite", args=[tenant.slug]), {"email": "Nina@Jansen.example", "role": "editor"})

    invitation = tenant.invitations.get()
    assert (invitation.email, invitation.role) == (EMAIL, Role.EDITOR)
    assert mail.outbox[0].to == [EMAIL]
    assert tenant.name in mail.outbox[0].subject
    assert link_of_mail()


def test_secret_of_the_link_is_not_stored(tenant: Tenant, people: People) -> None:
    secret = asked(tenant, people).split("/")[2]

    stored = Invitation.objects.get()

    assert secret not in repr(stored.__dict__)
    assert stored.token_hash == invitations.hash_of(secret)


def test_new_person_chooses_name_and_password_and_is_a_member(visitor: Client, tenant: Tenant, people: People) -> None:
    link = asked(tenant, people)

    shown = visitor.get(link, follow=True)
    joined = visitor.post(reverse("invitation"), NEW, follow=True)

    assert EMAIL in pages.text(shown)
    assert joined.redirect_chain[-1] == ("/t/jansen/", 302)
    user = User.objects.get(email=EMAIL)
    assert (user.name, tenant.memberships.get(user=user).role) == ("Nina Nieuw", Role.EDITOR)
    assert visitor.login(username=EMAIL, password=NEW["password"])


def test_secret_does_not_stay_in_the_address(visitor: Client, tenant: Tenant, people: People) -> None:
    answer = visitor.get(asked(tenant, people))

    assert answer.headers["Location"] == "/invitation/"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"again": "something else"}, "do not match"),
        ({"password": "kort", "again": "kort"}, "too short"),
        ({"password": "password1234", "again": "password1234"}, "too common"),
        ({"password": EMAIL, "again": EMAIL}, "too similar"),
        ({"name": ""}, "required"),
    ],
)
def test_bad_choice_is_refused_at_the_field(
    visitor: Client, tenant: Tenant, people: People, wrong: dict[str, str], said: str
) -> None:
    visitor.get(asked(tenant, people))

    answer = visitor.post(reverse("invitation"), NEW | wrong)

    assert answer.status_code == 422
    assert said in pages.text(answer)
    assert not User.objects.filter(email=EMAIL).exists()


def test_person_with_an_account_logs_in_and_joins(visitor: Client, tenant: Tenant, people: People) -> None:
    known = factories.user(name="nina", email="NINA@jansen.example")
    shown = visitor.get(asked(tenant, people), follow=True)

    visitor.post("/login/?next=/invitation/", {"username": EMAIL, "password": factories.PASSWORD})
    joined = visitor.post(reverse("invitation"))

    assert "Log in to accept the invitation." in pages.text(shown)
    assert joined.headers["Location"] == "/t/jansen/"
    assert tenant.memberships.get(user=known).role == Role.EDITOR


def test_account_cannot_be_made_for_an_address_that_has_one(visitor: Client, tenant: Tenant, people: People) -> None:
    factories.user(name="nina", email=EMAIL)
    visitor.get(asked(tenant, people))

    visitor.post(reverse("invitation"), NEW)

    assert User.objects.filter(email=EMAIL).count() == 1
    assert Invitation.objects.get().accepted_at is None


def test_somebody_else_who_is_logged_in_cannot_take_it(visitor: Client, tenant: Tenant, people: People) -> None:
    visitor.force_login(people.stranger)
    shown = visitor.get(asked(tenant, people), follow=True)

    visitor.post(reverse("invitation"), NEW)

    assert "which is another account" in pages.text(shown)
    assert not tenant.memberships.filter(user=people.stranger).exists()


def test_link_works_once(visitor: Client, tenant: Tenant, people: People) -> None:
    link = asked(tenant, people)
    visitor.get(link)
    visitor.post(reverse("invitation"), NEW)

    answer = Client(headers={"Accept-Language": "en"}).get(link, follow=True)

    assert answer.status_code == 404
    assert "This invitation does not work" in pages.text(answer)


def test_link_runs_out_after_seven_days(visitor: Client, tenant: Tenant, people: People) -> None:
    link = asked(tenant, people)
    left = Invitation.objects.get().expires_at - timezone.now()
    Invitation.objects.update(expires_at=timezone.now())

    shown = visitor.get(link, follow=True)
    sent = visitor.post(reverse("invitation"), NEW)

    assert datetime.timedelta(days=6, hours=23) < left <= datetime.timedelta(days=7)
    assert "has expired" in pages.text(shown)
    assert sent.status_code == 404
    assert not User.objects.filter(email=EMAIL).exists()


def test_made_up_link_is_told_clearly(visitor: Client, db: None) -> None:
    answer = visitor.get("/invitation/made-up/", follow=True)

    assert answer.status_code == 404
    assert "This invitation does not work" in pages.text(answer)


def test_sending_again_makes_the_old_link_void(owner: Client, visitor: Client, tenant: Tenant, people: People) -> None:
    old = asked(tenant, people)
    invitation = tenant.invitations.get()

    owner.post(reverse("invite_again", args=[tenant.slug, invitation.pk]))

    new = link_of_mail()
    assert visitor.get(old, follow=True).status_code == 404
    assert visitor.get(new, follow=True).status_code == 200
    assert tenant.invitations.count() == 1


def test_withdrawn_link_opens_nothing(owner: Client, visitor: Client, tenant: Tenant, people: People) -> None:
    link = asked(tenant, people)

    owner.post(reverse("invitation_withdraw", args=[tenant.slug, tenant.invitations.get().pk]))

    assert visitor.get(link, follow=True).status_code == 404


def test_invitation_of_another_tenant_cannot_be_touched(owner: Client, tenant: Tenant, people: People) -> None:
    elsewhere = Tenant.objects.get(slug="elsewhere")
    invitations.invite(elsewhere, email=EMAIL, role=Role.OWNER, by=people.stranger)
    foreign = elsewhere.invitations.get().pk

    found = [
        owner.post(reverse(name, args=[tenant.slug, foreign])).status_code
        for name in ("invite_again", "invitation_withdraw")
    ]

    assert found == [404, 404]
    assert elsewhere.invitations.filter(accepted_at=None).exists()


def test_member_cannot_be_invited(owner: Client, tenant: Tenant, people: People) -> None:

    answer = owner.post(reverse("invite", args=[tenant.slug]), {"email": "BOB@jansen.example", "role": "owner"})

    assert answer.status_code == 422
    assert not tenant.invitations.exists()


def test_member_who_joined_otherwise_keeps_the_role(visitor: Client, tenant: Tenant, people: People) -> None:
    link = asked(tenant, people, email="robert@jansen.example", role=Role.OWNER)
    User.objects.filter(pk=people.viewer.pk).update(email="robert@jansen.example")
    people.viewer.refresh_from_db()
    visitor.force_login(people.viewer)
    visitor.get(link)

    visitor.post(reverse("invitation"))

    assert tenant.memberships.get(user=people.viewer).role == Role.VIEWER


def test_mail_that_no_server_takes_is_told_and_the_invitation_kept(
    owner: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> int:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    owner.cookies["django_language"] = "en"

    answer = owner.post(reverse("invite", args=[tenant.slug]), {"email": EMAIL, "role": "viewer"}, follow=True)

    assert "The mail server did not accept the e-mail." in pages.text(answer)
    assert tenant.invitations.count() == 1


def test_mail_speaks_the_language_of_the_tenant(tenant: Tenant, people: People) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(language="en")

    asked(Tenant.objects.get(pk=tenant.pk), people)

    assert mail.outbox[0].subject == "You have been invited to Jansen Installatie B.V. in kingsync"


def test_name_with_a_line_break_breaks_no_mail(tenant: Tenant, people: People) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(name="Jansen\nBcc: other@evil.example")

    asked(Tenant.objects.get(pk=tenant.pk), people)

    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == [EMAIL]


@pytest.mark.django_db(transaction=True)
def test_link_that_is_used_twice_at_once_makes_one_member() -> None:
    tenant = factories.tenant()
    invitations.invite(tenant, email=EMAIL, role=Role.VIEWER, by=factories.user())
    token_hash = tenant.invitations.get().token_hash
    first, second = factories.user(email=EMAIL), factories.user()
    refused: list[Exception] = []

    def accept(user: User) -> None:
        try:
            invitations.accept(token_hash, user)
        except invitations.UnknownInvitationError as error:
            refused.append(error)
        finally:
            connection.close()

    both = [threading.Thread(target=accept, args=[user]) for user in (first, second)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert (len(refused), tenant.memberships.count()) == (1, 1)
