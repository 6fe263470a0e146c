"""The settings form: every setting, both connections, two people at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from kingsync.king_mirror import connection_check
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.sync_settings import COLUMNS, TEXT_LINES, SettingsVersion
from kingsync.models.tenants import Tenant
from kingsync.rules.outcomes import Reason, reason
from tests import factories
from tests.web.conftest import People
from tests.web.pages import html
from tests.web.settings.settings_entries import ADDRESS, entries, king, stored

TEST_KING = f"{ADDRESS}test/king/"


def test_page_has_a_field_for_every_choice(editor: Client) -> None:
    page = html(editor.get(ADDRESS))

    missing = [name for name in (*COLUMNS.values(), *TEXT_LINES) if f'name="{name}"' not in page]
    assert missing == []


def test_saving_without_a_change_makes_no_version(editor: Client, tenant: Tenant, usual: dict[str, Any]) -> None:
    answer = editor.post(ADDRESS, usual, follow=True)

    assert "There was nothing to save." in html(answer)
    assert stored(tenant).version == 1


def test_changed_choice_is_stored_as_a_new_version_with_its_author(
    editor: Client, tenant: Tenant, people: People, usual: dict[str, Any]
) -> None:
    answer = editor.post(ADDRESS, usual | {"hour_rounding": "30"}, follow=True)

    assert "Saved." in html(answer)
    assert (stored(tenant).hour_rounding, stored(tenant).version) == (30, 2)
    assert SettingsVersion.across_tenants.get(tenant=tenant, version=2).saved_by == people.editor


def test_connection_that_was_just_saved_is_tried_once_by_the_page_itself(editor: Client, usual: dict[str, Any]) -> None:
    by_itself = f'hx-post="{TEST_KING}" hx-trigger="load"'

    answer = editor.post(ADDRESS, usual | {"king-sql_timeout": "30"}, follow=True)

    assert by_itself in html(answer)
    assert 'test/outsmart/" hx-trigger' not in html(answer)
    assert by_itself not in html(editor.get(ADDRESS))


def test_who_is_getting_started_is_led_on_after_saving(editor: Client, tenant: Tenant, usual: dict[str, Any]) -> None:
    answer = editor.post(ADDRESS, usual | {"hour_rounding": "30"}, follow=True)

    assert 'Saved. <a href="/t/jansen/">Continue getting started</a>' in html(answer)


def test_who_has_started_long_ago_is_not_led_anywhere(editor: Client, tenant: Tenant) -> None:
    Connection.across_tenants.filter(tenant=tenant).update(last_success_at=timezone.now())
    factories.work_order(tenant, state="done", exported_at=timezone.now())
    data = entries(editor) | {"schedule_enabled": "on"}

    answer = editor.post(ADDRESS, data, follow=True)

    assert "Saved." in html(answer)
    assert "getting started" not in html(answer)


def test_every_kind_of_field_survives_the_round_trip(editor: Client, tenant: Tenant, usual: dict[str, Any]) -> None:
    wanted = {
        "products_revenue_groups": "10, 20",
        "orders_from_date": "2026-03-01",
        "notification_emails": "a@jansen.example\r\n\r\nb@jansen.example",
        "extra_text_line_2": "Klant {customer_name} {{letterlijk}}",
        "assign_relation": "customer",
    }

    editor.post(ADDRESS, usual | wanted)

    saved = stored(tenant)
    assert saved.products_revenue_groups == ["10", "20"]
    assert str(saved.orders_from_date) == "2026-03-01"
    assert saved.notification_emails == ["a@jansen.example", "b@jansen.example"]
    assert saved.extra_text_line_2 == "Klant {customer_name} {{letterlijk}}"
    assert saved.assign_relation == "customer"


def test_unticked_box_is_stored_as_off(editor: Client, tenant: Tenant, usual: dict[str, Any]) -> None:
    data = usual
    del data["export_orders"]

    editor.post(ADDRESS, data)

    assert stored(tenant).export_orders is False


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("extra_text_line_1", "Bon {onbekend}", "“{onbekend}” is not a known tag."),
        ("import_minutes", "0", "greater than or equal to 1"),
        ("work_order_status", " ", "This field is required."),
        ("notification_emails", "nobody", "nobody: Enter a valid email address."),
        ("products_revenue_groups", "10\r\n12345678901", "12345678901: Ensure this value has at most 10 characters"),
        ("export_minutes", "10081", "less than or equal to 10080"),
        ("brake_percent", "101", "less than or equal to 100"),
        ("orders_type_of_work", "", "This field is required."),
        ("export_from_date", "31-31-2026", "Enter a valid date."),
        ("hour_rounding", "7", "Select a valid choice."),
        ("king-sql_timeout", "-1", "greater than or equal to 0"),
        ("company-name", "", "This field is required."),
        ("king-base_url", "http://10.0.0.8", "The address of King is not allowed"),
        ("outsmart-base_url", "https://10.1.2.3/openapi/8", "The address of OutSmart is not allowed"),
    ],
)
def test_bad_value_is_told_at_its_field_and_nothing_is_stored(
    editor: Client, tenant: Tenant, name: str, value: str, words: str, usual: dict[str, Any]
) -> None:
    data = usual | {"hour_rounding": "30", name: value}

    answer = editor.post(ADDRESS, data)

    assert answer.status_code == 422
    assert f'id="id_{name}_error"><li>' in html(answer)
    assert words in html(answer).replace("&#x27;", "'")
    assert stored(tenant).version == 1


def test_interim_updates_need_their_status(editor: Client, usual: dict[str, Any]) -> None:
    answer = editor.post(ADDRESS, usual | {"interim_updates": "on"})

    assert 'id="id_order_update_status_error"' in html(answer)


def test_interim_status_may_not_be_that_of_finished_work_orders(editor: Client, usual: dict[str, Any]) -> None:
    answer = editor.post(ADDRESS, usual | {"interim_updates": "on", "order_update_status": "1"})

    assert "This must differ from the status of finished work orders." in html(answer)


def test_lists_are_typed_on_lines_or_between_commas_and_kept_once(
    editor: Client, tenant: Tenant, usual: dict[str, Any]
) -> None:
    typed = {"products_revenue_groups": "10, 20\r\n10;30\r\n", "notification_emails": "a@b.example, a@b.example"}

    editor.post(ADDRESS, usual | typed)

    assert stored(tenant).products_revenue_groups == ["10", "20", "30"]
    assert stored(tenant).notification_emails == ["a@b.example"]


def test_name_and_language_of_the_company_are_saved_with_the_rest(
    editor: Client, tenant: Tenant, usual: dict[str, Any]
) -> None:
    answer = editor.post(ADDRESS, usual | {"company-name": "Jansen & Zn.", "company-language": "en"}, follow=True)

    tenant.refresh_from_db()
    assert "Saved." in html(answer)
    assert (tenant.name, tenant.language, stored(tenant).version) == ("Jansen & Zn.", "en", 1)


def test_company_renamed_by_somebody_else_is_not_renamed_back(
    editor: Client, tenant: Tenant, usual: dict[str, Any]
) -> None:
    data = usual
    Tenant.objects.filter(pk=tenant.pk).update(name="Theirs")

    answer = editor.post(ADDRESS, data | {"hour_rounding": "30"})

    tenant.refresh_from_db()
    assert (answer.status_code, tenant.name) == (409, "Theirs")


def test_secrets_never_stand_in_a_page(editor: Client, tenant: Tenant) -> None:
    typed = {"king-access_code": "fresh-secret-31", "king-access_codes": "Order_Toevoegen=fresh-secret-32"}

    answers = {
        "shown": editor.get(ADDRESS),
        "refused": editor.post(ADDRESS, entries(editor) | typed | {"import_minutes": "0"}),
        "stale": editor.post(ADDRESS, entries(editor) | typed | {"version": "7"}),
        "forecast": editor.post(f"{ADDRESS}impact/", entries(editor) | typed),
        "saved": editor.post(ADDRESS, entries(editor) | typed, follow=True),
    }

    known = ["fresh-secret", "tok-7f3a", "soft-91bc", "bear-55de", "code-2468", "code-1357"]
    assert [name for name, answer in answers.items() for secret in known if secret in html(answer)] == []
    assert [answer.status_code for answer in answers.values()] == [200, 422, 409, 200, 200]


def test_empty_secret_keeps_the_stored_one(editor: Client, tenant: Tenant, usual: dict[str, Any]) -> None:
    editor.post(ADDRESS, usual | {"king-busy_codes": "LOCK,BEZET"})

    assert king(tenant).busy_codes == ["LOCK", "BEZET"]
    assert king(tenant).credentials == factories.SECRETS[System.KING]


def test_typed_secret_replaces_the_stored_one_and_resumes_the_connection(editor: Client, tenant: Tenant) -> None:
    king(tenant).pause({"code": "system.authentication", "params": {"system": "King"}})

    editor.post(ADDRESS, entries(editor) | {"king-access_code": "better"})

    assert king(tenant).credentials["access_code"] == "better"
    assert (king(tenant).state, king(tenant).paused_reason) == (Connection.State.ACTIVE, {})


def test_code_of_a_single_operation_is_added_and_removed_by_line(
    editor: Client, tenant: Tenant, usual: dict[str, Any]
) -> None:
    lines = "Order_Toevoegen=\nOrder_Wijzigen = abc "

    editor.post(ADDRESS, usual | {"king-access_codes": lines})

    assert king(tenant).credentials["access_codes"] == {"Order_Wijzigen": "abc"}


def test_optional_secret_can_be_removed(editor: Client, tenant: Tenant, usual: dict[str, Any]) -> None:
    editor.post(ADDRESS, usual | {"outsmart-remove_bearer_token": "on"})

    with tenants.scope(tenant):
        credentials = Connection.objects.get(system=System.OUTSMART).credentials
    assert credentials == factories.SECRETS[System.OUTSMART] | {"bearer_token": ""}


def test_stored_secret_does_not_follow_to_another_host(editor: Client, tenant: Tenant, usual: dict[str, Any]) -> None:
    answer = editor.post(ADDRESS, usual | {"king-base_url": "https://thief.example"})

    assert answer.status_code == 422
    assert "enter this again" in html(answer)
    assert king(tenant).base_url == "https://king.example:8082"


def test_new_tenant_can_begin_with_one_connection(english: Client, db: None) -> None:
    empty = factories.tenant(slug="new")
    english.force_login(factories.operator())
    data = {"king-base_url": "https://king.example", "king-administration": "N1", "king-access_code": "x"}
    forms = english.get("/t/new/settings/").context["forms"]
    choices = {bound.html_name: bound.value() for bound in forms.choices if bound.value() not in (None, False, [])}

    answer = english.post(
        "/t/new/settings/",
        choices | data | {"version": 0, "stamp": forms.stamp, "king-verify_tls": "on", "king-busy_codes": "LOCK"},
    )

    assert answer.status_code == 302
    assert stored(empty).version == 1
    assert [row.system for row in Connection.across_tenants.filter(tenant=empty)] == [System.KING]


def test_second_of_two_savers_is_told_and_nothing_is_lost(
    editor: Client, tenant: Tenant, people: People, usual: dict[str, Any]
) -> None:
    mine = usual | {"hour_rounding": "30", "default_warehouse": "7"}
    theirs = stored(tenant)
    theirs.default_warehouse, theirs.brake_percent = "3", 9
    theirs.store(by=people.owner)

    answer = editor.post(ADDRESS, mine)

    choices = answer.context["forms"].choices
    assert answer.status_code == 409
    assert "alice saved these settings while you were working" in html(answer)
    assert "Someone else just changed this to “3”." in html(answer)
    assert (choices["hour_rounding"].value(), choices["default_warehouse"].value()) == (30, "7")
    assert choices["brake_percent"].value() == 9
    assert stored(tenant).version == 2


def test_saving_again_after_the_warning_keeps_both_peoples_changes(
    editor: Client, tenant: Tenant, people: People, usual: dict[str, Any]
) -> None:
    data = usual
    theirs = stored(tenant)
    theirs.brake_percent = 9
    theirs.store(by=people.owner)
    warned = editor.post(ADDRESS, data | {"hour_rounding": "30"}).context["forms"]

    editor.post(ADDRESS, data | {"hour_rounding": "30", "brake_percent": "9", "version": warned.version})

    saved = stored(tenant)
    assert (saved.hour_rounding, saved.brake_percent, saved.version) == (30, 9, 3)


def test_connection_changed_by_somebody_else_is_not_overwritten(
    editor: Client, tenant: Tenant, usual: dict[str, Any]
) -> None:
    data = usual
    Connection.across_tenants.filter(tenant=tenant, system=System.KING).update(administration="THEIRS")

    answer = editor.post(ADDRESS, data | {"hour_rounding": "30"})

    assert answer.status_code == 409
    assert king(tenant).administration == "THEIRS"
    assert stored(tenant).version == 1


def test_viewer_sees_the_settings_but_cannot_change_them(viewer: Client) -> None:
    answer = viewer.get(ADDRESS)

    page = html(answer)
    assert "You can view the settings, but not change them." in page
    assert ">Save<" not in page
    assert "Test connection" not in page
    assert all(field.disabled for field in answer.context["forms"].choices.fields.values())


class FakeSystems:
    """Answers every connection check the same way, and records what was checked."""

    def __init__(self, answer: Reason | None) -> None:
        self.answer = answer
        self.tried: list[Connection] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection_check, "check", self.trial)
        monkeypatch.setattr(connection_check, "check_stored", self.booked_trial)

    def trial(self, connection: Connection) -> Reason | None:
        self.tried.append(connection)
        return self.answer

    def booked_trial(self, connection: Connection) -> Reason | None:
        if self.answer is not None:
            connection.pause({"code": self.answer.code, "params": {}})
        return self.trial(connection)


def test_working_connection_says_so(editor: Client, monkeypatch: pytest.MonkeyPatch, usual: dict[str, Any]) -> None:
    systems = FakeSystems(None)
    systems.install(monkeypatch)

    answer = editor.post(TEST_KING, usual, follow=True)

    assert "King answered. The connection works." in html(answer)
    assert systems.tried[0].credentials == factories.SECRETS[System.KING]


def test_trial_uses_what_was_typed_and_books_nothing(
    editor: Client, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, usual: dict[str, Any]
) -> None:
    systems = FakeSystems(reason("system.authentication", system="King", operation="Order_Toevoegen"))
    systems.install(monkeypatch)

    answer = editor.post(TEST_KING, usual | {"king-access_code": "wrong"}, follow=True)

    assert "King refused our credentials for Order_Toevoegen." in html(answer)
    assert systems.tried[0].credentials["access_code"] == "wrong"
    assert king(tenant).credentials == factories.SECRETS[System.KING]
    assert king(tenant).state == Connection.State.ACTIVE


def test_trial_of_a_forbidden_address_calls_nobody(
    editor: Client, monkeypatch: pytest.MonkeyPatch, usual: dict[str, Any]
) -> None:
    systems = FakeSystems(None)
    systems.install(monkeypatch)

    answer = editor.post(TEST_KING, usual | {"king-base_url": "https://169.254.169.254"})

    assert "The address of King is not allowed" in html(answer)
    assert systems.tried == []


def test_credentials_that_no_key_opens_can_be_typed_again(editor: Client, tenant: Tenant) -> None:
    with tenants.scope(tenant), database.cursor() as cursor:
        cursor.execute("UPDATE kingsync_connection SET credentials = 'f1:unreadable' WHERE system = 'king'")

    page = html(editor.get(ADDRESS))
    editor.post(ADDRESS, entries(editor) | {"king-access_code": "again"})

    assert "cannot be decrypted – enter it again" in page
    assert king(tenant).credentials == {"access_code": "again", "access_codes": {}}
