"""The settings page in a browser: tags by keyboard, unsaved changes, fields without effect, the effect of settings."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Dialog, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from kingsync.models.connections import System
from kingsync.models.runs import SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.tenants import Role, Tenant
from tests import factories
from tests.browser import sessions

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORK_ORDER = {
    "id": "7001",
    "OrderNr": "WB7001",
    "status": "Compleet",
    "WorkStatus": "1",
    "CustomerName": "De <b>Boer",
    "CustomerDebtorNr": "10",
    "Workperiods": [{"TotalTime": "00:50", "HourType": "MONT"}],
}


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    factories.settings(made)
    factories.connection(made, System.OUTSMART, base_url="https://outsmart.example/openapi/8")
    factories.connection(made, System.KING, base_url="https://king.example:8082")
    factories.work_order(made, outsmart_id="7001", order_number="WB7001", source=json.dumps(WORK_ORDER))
    return made


def opened(page: Page, live_server: LiveServer, tenant: Tenant, role: Role) -> Page:
    sessions.log_in(page.context, factories.member(tenant, role, name="eddy"), live_server.url)
    page.goto(f"{live_server.url}/t/jansen/settings/")
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    return page


@pytest.fixture
def form(page: Page, live_server: LiveServer, tenant: Tenant) -> Page:
    """Open the settings page as an editor."""
    return opened(page, live_server, tenant, Role.EDITOR)


def test_tag_is_found_and_inserted_by_keyboard_alone(form: Page) -> None:
    line = form.get_by_label("Extra text line 2")
    line.focus()
    form.keyboard.type("Klant , bedankt")
    for _ in ", bedankt":
        form.keyboard.press("ArrowLeft")
    form.keyboard.press("Tab")
    form.keyboard.press("Enter")

    search = form.get_by_role("combobox", name="Find a tag")
    expect(search).to_be_focused()
    expect(search).to_have_attribute("aria-expanded", "true")
    form.keyboard.type("customer")
    for key in ("ArrowUp", "ArrowDown", "ArrowDown", "ArrowUp"):  # past the end of the list, and back
        form.keyboard.press(key)
    chosen = form.get_by_role("listbox", name="Tags").get_by_role("option", selected=True)
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text("De <b>Boer")
    expect(search).to_have_attribute("aria-activedescendant", "tag-customer_name")
    form.keyboard.press("Enter")

    expect(search).to_be_hidden()
    expect(line).to_be_focused()
    expect(line).to_have_value("Klant {customer_name}, bedankt")
    form.keyboard.type("!")
    expect(line).to_have_value("Klant {customer_name}!, bedankt")
    expect(form.locator('[data-line="extra_text_line_2"] .preview')).to_have_text("Klant De <b>Boer!, bedankt")


def test_tags_of_a_line_are_shown_by_their_labels_below_it_while_it_is_typed(form: Page) -> None:
    line, labels = form.get_by_label("Extra text line 2"), form.locator(".tag-labels").nth(1)
    line.click()
    line.press_sequentially("{customer_name} and {no_tag}, {{braces}}")

    expect(line).to_be_focused()
    expect(line).to_have_value("{customer_name} and {no_tag}, {{braces}}")
    expect(labels).to_have_text("customer name and {no_tag}, {braces}")
    expect(labels.locator(".tag-label")).to_have_count(1)

    line.fill("No tags")

    expect(labels).to_be_hidden()


def test_escape_closes_the_list_and_leaves_the_line_alone(form: Page) -> None:
    line = form.get_by_label("Extra text line 1")
    form.get_by_role("button", name="Insert a tag – Extra text line 1").click()
    form.keyboard.type("nothing has these letters")
    expect(form.get_by_text("No tags found.")).to_be_visible()

    form.keyboard.press("Enter")
    form.keyboard.press("Escape")

    expect(form.get_by_role("combobox", name="Find a tag")).to_be_hidden()
    expect(line).to_be_focused()
    expect(line).to_have_value("Werkbon {order_number}")
    expect(form.locator("#unsaved")).to_be_empty()


def test_tag_is_inserted_with_the_mouse_and_the_button_closes_the_list_again(form: Page) -> None:
    line, button = form.get_by_label("Extra text line 3"), form.get_by_role("button", name="Extra text line 3")
    button.click()
    button.click()
    expect(form.locator("#tags")).to_be_hidden()

    button.click()
    form.get_by_role("option", name="{total_hours}").click()

    expect(line).to_have_value("{total_hours}")
    expect(form.locator('[data-line="extra_text_line_3"] .preview')).to_have_text("1:00")


def test_the_button_stays_in_its_place_when_the_lines_are_filled_in_while_it_is_pressed(
    page: Page, live_server: LiveServer, tenant: Tenant
) -> None:
    asked: list[Route] = []
    page.route("**/settings/text-preview/", lambda route: asked.append(route))  # noqa: PLW0108  (it is given attributes)
    with page.expect_request("**/settings/text-preview/"):
        form = opened(page, live_server, tenant, Role.EDITOR)
    button = form.get_by_role("button", name="Extra text line 1")
    button.hover()

    form.mouse.down()
    asked[0].continue_()
    expect(form.locator("#example")).to_contain_text("WB7001")
    form.mouse.up()

    expect(form.locator("#tags")).to_be_visible()


def test_unknown_tag_is_marked_while_typing_and_an_empty_line_is_said_to_be_left_out(form: Page) -> None:
    form.get_by_label("Extra text line 1").fill("Bon {onbekend} x")

    preview = form.locator('[data-line="extra_text_line_1"] .preview')
    expect(preview.locator("mark")).to_have_text("{onbekend}")
    expect(form.get_by_text("“{onbekend}” (position 5) is not a known tag.")).to_be_visible()
    expect(form.get_by_label("Extra text line 1")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Extra text line 1").fill("{comment}")
    expect(preview).to_have_text("(left out: empty)")
    expect(form.get_by_label("Extra text line 1")).not_to_have_attribute("aria-invalid", "true")


def test_leaving_with_unsaved_changes_is_warned_about_and_saving_is_not(form: Page) -> None:
    warned: list[str] = []

    def stay(dialog: Dialog) -> None:
        warned.append(dialog.type)
        dialog.dismiss()

    form.on("dialog", stay)
    expect(form.locator("#unsaved")).to_be_empty()
    form.get_by_label("Default warehouse").fill("7")
    expect(form.locator("#unsaved")).to_have_text("changes not saved yet")

    form.get_by_role("link", name="Runs").click()
    expect(form.get_by_label("Default warehouse")).to_have_value("7")
    assert warned == ["beforeunload"]
    form.get_by_role("button", name="Save").click()

    expect(form.get_by_text("Saved.")).to_be_visible()
    expect(form.locator("#unsaved")).to_be_empty()
    form.get_by_role("link", name="Runs").click()
    expect(form.get_by_role("heading", name="Runs")).to_be_visible()
    assert warned == ["beforeunload"]


def test_change_that_is_taken_back_is_no_change(form: Page) -> None:
    box = form.get_by_label("Send prices")
    box.check()
    expect(form.locator("#unsaved")).to_have_text("changes not saved yet")

    box.uncheck()

    expect(form.locator("#unsaved")).to_be_empty()


def test_refused_form_is_still_unsaved(form: Page) -> None:
    form.get_by_label("Extra text line 1").fill("{onbekend}")
    form.get_by_role("button", name="Save").click()

    expect(form.get_by_role("alert")).to_contain_text("Not saved. Check these fields:")
    expect(form.locator("#unsaved")).to_have_text("changes not saved yet")


def test_options_that_mean_nothing_now_are_hidden_and_keep_their_values(form: Page, tenant: Tenant) -> None:
    interim, status = form.get_by_label("Interim updates"), form.get_by_label("Order update status")
    expect(status).to_be_hidden()
    interim.check()
    status.fill("3")
    form.get_by_label("Create interim order").check()
    form.get_by_label("Create new order").uncheck()
    expect(form.get_by_label("Approve order")).to_be_visible()  # interim orders are ours to approve too

    interim.uncheck()

    expect(status).to_be_hidden()
    expect(form.get_by_label("Approve order")).to_be_hidden()
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Saved.")).to_be_visible()
    stored = SyncSettings.across_tenants.get(tenant=tenant)
    assert (stored.interim_updates, stored.order_update_status, stored.create_interim_order) == (False, "3", True)


def test_hidden_field_with_an_error_is_shown(form: Page) -> None:
    form.get_by_label("Synchronise automatically").check()
    form.get_by_label("Minutes between imports").fill("0")
    form.get_by_label("Synchronise automatically").uncheck()
    expect(form.get_by_label("Minutes between imports")).to_be_hidden()

    form.get_by_role("button", name="Save").click()
    form.get_by_role("alert").get_by_role("link", name="Minutes between imports").click()

    expect(form.get_by_label("Minutes between imports")).to_be_focused()


def test_settings_impact_tells_what_changes_and_saves_nothing(form: Page, tenant: Tenant) -> None:
    form.get_by_label("Create new order").uncheck()
    form.get_by_role("button", name="Show effect").click()

    told = form.locator("#impact")
    expect(told).to_contain_text("with 1 waiting work order")
    expect(told.get_by_role("listitem")).to_contain_text("WB7001")
    expect(told.get_by_role("listitem")).to_contain_text("“Create new order” is off.")
    expect(form.locator("#unsaved")).to_have_text("changes not saved yet")
    assert SyncSettings.across_tenants.get(tenant=tenant).version == 1


def test_settings_impact_of_a_wrong_form_leads_to_the_field(form: Page) -> None:
    form.get_by_label("Extra text line 4").fill("{")
    form.get_by_role("button", name="Show effect").click()

    form.locator("#impact").get_by_role("link", name="Extra text line 4").click()

    expect(form.get_by_label("Extra text line 4")).to_be_focused()


def test_choices_that_cannot_be_asked_are_told_and_the_fields_stay(form: Page) -> None:
    form.get_by_label("Default warehouse").fill("9")
    form.get_by_role("button", name="Refresh pick lists").click()

    expect(form.locator("#refreshed")).to_contain_text("OutSmart: ")
    expect(form.locator("#refreshed")).to_contain_text("King: ")
    expect(form.get_by_label("Default warehouse")).to_have_value("9")
    expect(form.locator("#unsaved")).to_have_text("changes not saved yet")


def test_viewer_sees_lines_filled_in_and_is_never_warned(page: Page, live_server: LiveServer, tenant: Tenant) -> None:
    form = opened(page, live_server, tenant, Role.VIEWER)

    expect(form.locator('[data-line="extra_text_line_1"] .preview')).to_have_text("Werkbon WB7001")
    expect(form.get_by_role("button", name="Insert a tag")).to_have_count(0)
    form.get_by_role("link", name="Runs").click()
    expect(form.get_by_role("heading", name="Runs")).to_be_visible()


def test_settings_with_everything_open_fit_a_narrow_screen(form: Page) -> None:
    form.set_viewport_size({"width": 380, "height": 800})
    form.get_by_role("button", name="Insert a tag – Extra text line 1").click()
    form.get_by_label("Create new order").uncheck()
    form.get_by_role("button", name="Show effect").click()
    expect(form.locator("#impact")).to_contain_text("with 1 waiting work order")

    assert form.evaluate("document.documentElement.scrollWidth") <= 380


def test_what_was_typed_before_the_scripts_came_is_not_saved_yet(form: Page) -> None:
    form.add_init_script("""document.addEventListener("readystatechange", () => {
        const field = document.querySelector("[name=default_warehouse]");
        if (document.readyState === "interactive" && field) field.value = "9";
    })""")

    form.reload()

    expect(form.get_by_label("Default warehouse")).to_have_value("9")
    expect(form.locator("#unsaved")).to_have_text("changes not saved yet")


def test_what_nearly_nobody_needs_is_folded_until_it_is_refused(form: Page) -> None:
    timeout = form.get_by_label("SQL timeout")
    expect(timeout).to_be_hidden()

    form.get_by_text("Advanced").last.click()
    timeout.fill("-1")
    form.get_by_role("button", name="Save").click()

    expect(form.get_by_role("alert")).to_be_visible()
    expect(timeout).to_be_visible()


def test_button_asks_first_when_the_form_has_unsaved_changes(form: Page, tenant: Tenant) -> None:
    answers: list[str] = []

    def answer(dialog: Dialog) -> None:
        answers.append(dialog.message)
        dialog.dismiss() if len(answers) == 1 else dialog.accept()

    form.on("dialog", answer)
    form.get_by_label("Default warehouse").fill("9")
    export = form.get_by_role("button", name="Export workorders")

    export.click()
    assert not SyncRun.across_tenants.exists()
    export.click()

    expect(form.locator("#live-export")).to_contain_text("queued since")
    expect(form.get_by_label("Default warehouse")).to_have_value("9")
    assert answers == ["Your changes are not saved yet: the saved settings are used. Continue?"] * 2
    assert SyncRun.across_tenants.get().kind == "export"


def test_button_without_unsaved_changes_starts_at_once(form: Page, tenant: Tenant) -> None:
    form.get_by_role("button", name="Import", exact=True).click()

    expect(form.locator("#live-import")).to_contain_text("queued since")
