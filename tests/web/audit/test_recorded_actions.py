"""Everything that people do leaves one entry in the company's audit trail: who, when, from where, before and after."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from kingsync import tasks
from kingsync.models import tenants
from kingsync.models.audit import actors, trail
from kingsync.models.audit.actions import Action
from kingsync.models.audit.entries import AuditEntry
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.tenants import Role, Tenant
from kingsync.runs import background_calls
from tests import factories
from tests.web.audit.actions import CASES, HOME, Case, Scene, at_one_moment, log_in
from tests.web.conftest import People

# Recorded elsewhere, or without a person on a page: tests/models/test_audit_trail.py, and below.
NOT_IN_THE_TABLE = {
    Action.CONNECTION_CREATED,
    Action.COMPANY_CREATED,
    Action.COMPANY_DELETED,
    Action.MEMBER_ADDED,
    Action.ACCOUNT_CREATED,
    Action.ACCOUNT_DELETED,
    Action.RIGHTS_CHANGED,
    Action.TRAIL_PURGED,
}


@pytest.fixture
def scene(tenant: Tenant, people: People, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(tasks.run_sync, "apply_async", lambda **_message: None)
    settings.KING_XML_FOLDER = str(tmp_path)
    return Scene(tenant, people, secrets=[factories.PASSWORD, "Welkom2026!", *_texts(factories.SECRETS)])


def _texts(values: dict[str, Any]) -> Iterator[str]:
    for value in values.values():
        yield from _texts(value) if isinstance(value, dict) else [value]


def recorded(of: Tenant | None, action: Action) -> list[AuditEntry]:
    return list(AuditEntry.across_tenants.filter(tenant=of, action=action).order_by("pk"))


def dump() -> str:
    """Return the whole table as text."""
    return json.dumps(list(AuditEntry.across_tenants.values()), default=str)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.action}-{case.do.__name__.strip('<>')}")
def test_an_action_leaves_one_entry_and_no_secret(scene: Scene, case: Case) -> None:
    start, a_little = timezone.now(), datetime.timedelta(seconds=5)  # the database has a clock of its own
    seen = len(recorded(scene.tenant, case.action))

    case.do(scene)

    (entry,) = recorded(scene.tenant, case.action)[seen:]
    person = getattr(scene.people, case.who, None)
    assert (entry.user_id, entry.actor_kind) == (person.pk, "person") if person else case.who in entry.actor
    assert entry.address == (HOME if _is_of_page(case) else "")
    assert entry.subject == case.subject
    assert _named(entry.before, case.before) == (case.before or {})
    assert _named(entry.after, case.after) == (case.after or {})
    assert start - a_little < entry.at < timezone.now() + a_little
    for secret in scene.secrets:
        assert secret not in dump()


def _is_of_page(case: Case) -> bool:
    return case.action != Action.ADMINISTRATION_SWITCHED


def _named(values: dict[str, Any] | None, wanted: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if name in (wanted or {})}


def test_every_action_stands_in_the_table() -> None:
    assert {case.action for case in CASES} == set(Action) - NOT_IN_THE_TABLE


def test_a_failed_login_of_an_unknown_address_is_of_no_company(scene: Scene) -> None:
    log_in(scene, email="nobody@elsewhere.example")

    (entry,) = recorded(None, Action.LOGIN_FAILED)
    assert (entry.subject, entry.user_id, entry.address) == ("nobody@elsewhere.example", None, HOME)


def test_a_login_is_in_the_trail_of_each_company_that_the_person_works_for(scene: Scene) -> None:
    second = factories.tenant(slug="bakker")
    second.memberships.create(user=scene.people.viewer, role=Role.VIEWER)

    log_in(scene)

    assert [len(recorded(each, Action.LOGIN_SUCCEEDED)) for each in (scene.tenant, second, None)] == [1, 1, 0]


def test_a_member_who_is_an_operator_too_is_not_looking(scene: Scene) -> None:
    scene.tenant.memberships.create(user=scene.people.operator, role=Role.VIEWER)

    scene.browser(scene.people.operator).get("/t/jansen/")

    assert recorded(scene.tenant, Action.OPERATOR_LOOKED) == []


def test_neither_a_member_nor_an_operator_pays_for_it_with_each_page(scene: Scene) -> None:
    viewer, operator = scene.browser(scene.people.viewer), scene.browser(scene.people.operator)
    with at_one_moment():
        operator.get("/t/jansen/runs/")

        with CaptureQueriesContext(connection) as made:
            assert [each.get("/t/jansen/runs/").status_code for each in (viewer, operator)] == [200, 200]

    assert made.captured_queries
    assert not [each for each in made.captured_queries if "auditentry" in each["sql"]]


def test_an_operator_who_opens_a_row_in_the_admin_is_looking(scene: Scene) -> None:
    run = factories.run(scene.tenant)

    scene.browser(scene.people.operator).get(f"/admin/kingsync/syncrun/{run.pk}/change/")

    assert len(recorded(scene.tenant, Action.OPERATOR_LOOKED)) == 1


def test_rights_that_an_operator_gives_are_recorded(scene: Scene) -> None:
    operator = scene.browser(scene.people.operator)

    operator.post("/admin/auth/group/add/", {"name": "Support", "permissions": []})

    (entry,) = recorded(None, Action.RIGHTS_CHANGED)
    assert (entry.subject, entry.user_id, entry.address) == ("Support", scene.people.operator.pk, HOME)


def test_a_command_acts_as_the_user_of_the_computer(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    factories.work_order(scene.tenant, outsmart_id="7001", state="held")

    call_command("ledger", "jansen", "--exclude", "7001", "--reason", "Double", "--by", "Olga")
    call_command("createsuperuser", "--no-input", "--email", "second@kingsync.example", verbosity=0)

    (decision,), made = recorded(scene.tenant, Action.DECIDED), recorded(None, Action.ACCOUNT_CREATED)[-1]
    assert (decision.actor_kind, decision.actor) == ("command", "Olga (root)")
    assert (made.actor_kind, made.actor, made.subject) == ("command", "root", "second@kingsync.example")


def test_a_background_call_acts_as_the_person_who_asked_and_from_where(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(background_calls.pool, "submit", waiting.append)

    def work(call: BackgroundCall) -> background_calls.Result:
        trail.record(Action.DECIDED, tenant=call.tenant_id)
        return {}

    with tenants.scope(scene.tenant), actors.acting(actors.person(scene.people.editor, address=HOME)):
        background_calls.submit(background_calls.Kind.LINK, work, by=scene.people.editor)
    waiting[0]()  # as a thread does, when the request is over

    (entry,) = recorded(scene.tenant, Action.DECIDED)
    assert (entry.user_id, entry.actor_kind, entry.address) == (scene.people.editor.pk, "person", HOME)


def test_a_secret_is_masked_even_where_the_caller_forgot(scene: Scene) -> None:
    trail.record(Action.LOGIN_FAILED, tenant=None, before={"token": "tok-1"}, after={"access_codes.X": "tok-2"})

    entry = recorded(None, Action.LOGIN_FAILED)[-1]
    assert (entry.before, entry.after) == ({}, {"access_codes.X": "changed"})
