"""The page of the audit trail and its files: who may see them, what they show, and how a spreadsheet reads them."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kingsync.models.audit import actors, trail
from kingsync.models.audit.actions import Action
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.tenants import Tenant
from kingsync.web.audit import audit_download
from kingsync.web.shared import paging
from tests import factories
from tests.web import pages
from tests.web.conftest import People

PAGE, FILES = "/t/jansen/audit/", "/t/jansen/audit/file/"


@pytest.fixture
def owner(english: Client, people: People) -> Client:
    english.force_login(people.owner)
    return english


def look(client: Client, **query: str) -> str:
    return pages.text(client.get(PAGE, query))


def file_of(client: Client, form: str, **query: str) -> str:
    answer: Any = client.get(f"{FILES}{form}/", query)
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def rows_of(client: Client, **query: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file_of(client, "csv", **query)), delimiter=";"))[1:]


@pytest.mark.parametrize("address", [PAGE, f"{FILES}csv/", f"{FILES}json/"])
def test_only_owners_see_it(english: Client, people: People, address: str) -> None:
    seen = {}
    for name in ("owner", "operator", "editor", "viewer", "stranger"):
        english.force_login(getattr(people, name))
        seen[name] = english.get(address).status_code

    assert seen == {"owner": 200, "operator": 200, "editor": 403, "viewer": 403, "stranger": 404}


def test_owners_find_it_and_others_are_shown_no_link(english: Client, people: People) -> None:
    found = []
    for person in (people.owner, people.editor):
        english.force_login(person)
        found += [PAGE in pages.html(english.get(f"/t/jansen/{name}/")) for name in ("people", "settings")]

    assert found == [True, True, False, False]


def test_page_shows_who_what_where_and_what_it_was_before(owner: Client, tenant: Tenant, people: People) -> None:
    with actors.acting(actors.person(people.owner, address="192.0.2.7")):
        tenant.log_days = 30
        tenant.requires_second_step = False
        tenant.save()

    shown = look(owner, group="company", person="alice")

    assert "alice (alice@jansen.example) 192.0.2.7 Company changed Jansen Installatie B.V. (jansen)" in shown
    assert "Days to keep runs and log: 90 → 30" in shown


def test_values_are_shown_in_words(owner: Client, tenant: Tenant) -> None:
    shown = look(owner)

    assert "Role: viewer" in shown
    assert "API token (in King: Toegangscode): changed" in shown
    assert "code-2468-king" not in shown


def test_dutch_page_is_dutch(owner: Client) -> None:
    owner.cookies["django_language"] = "nl"

    shown = look(owner, group="member")

    assert "Auditlog" in shown
    assert "Gebruiker toegevoegd" in shown
    assert "Rol: alleen lezen" in shown


def test_entries_of_another_company_are_shown_nowhere(owner: Client, people: People) -> None:
    trail.record(Action.FILE_REMOVED, tenant=Tenant.objects.get(slug="elsewhere").pk, subject="of-elsewhere.xml")
    trail.record(Action.LOGIN_FAILED, tenant=None, subject="of-elsewhere.xml")

    assert "of-elsewhere" not in look(owner) + file_of(owner, "csv") + file_of(owner, "json")


def test_it_is_filtered_by_kind_person_and_period(owner: Client, tenant: Tenant, people: People) -> None:
    old = AuditEntry(tenant=tenant, action=Action.FILE_REMOVED, actor_kind="person", actor="Alice", subject="old.xml")
    old.at = timezone.now() - datetime.timedelta(days=400)
    old.save()
    trail.record(Action.FILE_REMOVED, tenant=tenant.pk, subject="new.xml", by=people.editor)
    ago = f"{timezone.localtime() - datetime.timedelta(days=1):%Y-%m-%dT%H:%M}"

    def subjects(**query: str) -> set[str]:
        return {row[5] for row in rows_of(owner, **query)}

    assert subjects(group="file") == {"old.xml", "new.xml"}
    assert subjects(group="file", person="eddy") == {"new.xml"}
    assert subjects(group="file", until=ago) == subjects(group="file", person="old.xml") == {"old.xml"}
    assert "No results." in look(owner, group="file", person="nobody")


def test_older_entries_follow_by_key(owner: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(paging.PAGE_SIZE + 1):
        trail.record(Action.FILE_REMOVED, tenant=tenant.pk, subject=f"file-{number}.xml")

    first = owner.get(PAGE, {"group": "file"})
    older = re.search(r'href="(\?[^"]*before=\d+[^"]*)"', first.content.decode())

    assert older
    assert "file-0.xml" not in pages.text(first)
    assert "file-0.xml" in pages.text(owner.get(PAGE + older[1].replace("&amp;", "&")))


def test_csv_is_text_for_a_spreadsheet_and_no_formula(owner: Client, tenant: Tenant) -> None:
    evil = factories.user(name="=cmd")
    trail.record(Action.FILE_REMOVED, tenant=tenant.pk, subject="=1+1.xml", by=evil, before={"document": "=2+2"})

    (row,) = rows_of(owner, group="file")

    assert (row[3], row[4], row[5]) == ("file.removed", "King file removed", "'=1+1.xml")
    assert row[1].startswith("'=cmd")
    assert row[6] == "Document: =2+2 → removed"


def test_json_has_all_entries_as_stored(
    owner: Client, tenant: Tenant, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_download, "BATCH", 3)
    with actors.acting(actors.person(people.owner, address="192.0.2.7")):
        for number in range(7):
            trail.record(Action.FILE_REMOVED, tenant=tenant.pk, subject=f"{number}", before={"size": number})

    answer = owner.get(f"{FILES}json/", {"group": "file"})
    found = json.loads(file_of(owner, "json", group="file"))

    assert re.search(r'filename="audit-trail-jansen-[\d-]+\.json"', answer["Content-Disposition"])
    assert [each["before"] for each in found] == [{"size": number} for number in reversed(range(7))]
    assert found[0] | {"id": 0, "at": ""} == {
        "id": 0,
        "at": "",
        "actor_kind": "person",
        "user_id": people.owner.pk,
        "actor": "alice (alice@jansen.example)",
        "address": "192.0.2.7",
        "action": "file.removed",
        "subject": "6",
        "before": {"size": 6},
        "after": None,
    }


def test_every_action_and_field_has_words(owner: Client, tenant: Tenant) -> None:
    for action in Action:
        trail.record(action, tenant=tenant.pk, after={"unheard_of": ["x", {"y": None}], "state": "held"})

    assert len(rows_of(owner)) >= len(Action)


def test_the_admin_shows_operators_all_of_it_and_changes_nothing(english: Client, people: People) -> None:
    trail.record(Action.LOGIN_FAILED, tenant=None, subject="nobody@elsewhere.example", after={"x": "<b>"})
    entry = AuditEntry.across_tenants.latest("pk")
    people.owner.is_staff = True
    people.owner.save()
    listed, one = "/admin/kingsync/auditentry/", f"/admin/kingsync/auditentry/{entry.pk}/change/"

    english.force_login(people.owner)
    assert [english.get(each).status_code for each in (listed, one)] == [403, 403]
    english.force_login(people.operator)
    shown = [pages.html(english.get(each)) for each in (listed, one)]

    assert all("nobody@elsewhere.example" in each for each in shown)
    assert "&lt;b&gt;" in shown[1]
    assert english.post(one, {"subject": "another"}).status_code == 403
    assert english.post(one.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert english.get(f"{listed}add/").status_code == 403
