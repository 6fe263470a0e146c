"""Every page that a person can see, and how to get there. A new URL must be listed here, or as not being a page."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings as deployment
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from playwright.sync_api import Browser, Page

from kingsync.models import tenants
from kingsync.models.api.tokens import ApiToken
from kingsync.models.api.webhooks import Event, Webhook
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.links import RecordLink
from kingsync.models.runs import LogEntry, RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Membership, Role
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.notifications import recipients
from kingsync.statements import periods, signing
from tests import factories, patience
from tests.browser import sessions
from tests.browser.visual.company import Company

# URLs that only accept input, parts of pages, files and redirects.
NO_PAGES = frozenset(
    {
        *("sign_statement", "statement_file", "signed_statement_file", "find_statement"),
        *("choose_notifications", "resume_address"),
        "cancel_run",
        "change_care",
        "change_limit_old",
        "decide",
        "decide_cause",
        "decide_many",
        "email_change",
        "export_one",
        "export_from_dry_run",
        "favicon",
        "fetch_work_order",
        "settings_impact",
        "health",
        "moved",
        "invitation_link",
        "invitation_withdraw",
        "invite",
        "invite_again",
        "keys_change",
        "king_file_remove",
        "king_files_import",
        "live",
        "logout",
        "member_remove",
        "metrics",
        "member_role",
        "company",
        "company_delete",
        "company_export",
        "company_keep",
        "preview",
        "refresh_choices",
        "remove_view",
        "save_view",
        "set_language",
        "settings_restore",
        "start_date",
        "start_run",
        "test_administration",
        "test_connection",
        "test_mail",
        "text_preview",
        "passkey_login",
        "passkey_remove",
        "session_end",
        "sessions_end_others",
        "two_step_codes",
        "use_fetched",
        "two_step_remove",
        "two_step_remove_app",
        "work_orders_file",
        "audit_file",
        "token_make",
        "token_revoke",
        "webhook_again",
        "webhook_make",
        "webhook_pause",
        "webhook_remove",
        "webhook_resume",
        "webhook_secret",
        "webhook_test",
    }
)


@dataclass(frozen=True)
class Stop:
    """One picture: `name` of the file, name of the `url`, the address, the viewer, and what to do first."""

    name: str
    url: str
    address: str
    who: str = "owner"
    do: Callable[[Page], None] = lambda _page: None


def stops(company: Company) -> list[Stop]:
    """Return every page, in the order in which a person would see them."""
    with tenants.scope(company.busy):
        return [
            *_before_login(company),
            *_own(company),
            *_start(company),
            *_work_orders(),
            *_happened(),
            *_choices(company),
        ]


def admin_stops() -> list[Stop]:
    """Return the pages of the admin: its index and its lists."""
    lists = [each for each in _admin_lists() if each != "index"]
    front = Stop("admin", "", reverse("admin:index"), who="operator")
    return [front, *(Stop(f"admin-{name}", "", reverse(f"admin:{name}"), who="operator") for name in lists)]


def _admin_lists() -> Iterator[str]:
    from django.contrib import admin  # noqa: PLC0415  (its models must be loaded)

    for model in admin.site._registry:
        yield f"{model._meta.app_label}_{model._meta.model_name}_changelist"


def _before_login(company: Company) -> list[Stop]:
    key = urlsafe_base64_encode(force_bytes(company.people["editor"].pk))
    token = default_token_generator.make_token(company.people["editor"])
    link = reverse("invitation_link", args=[company.invitation])
    return [
        Stop("login", "login", reverse("login"), who=""),
        Stop("login-refused", "login", reverse("login"), who="", do=_log_in_wrongly),
        Stop("password-reset", "password_reset", reverse("password_reset"), who=""),
        Stop("password-reset-sent", "password_reset_done", reverse("password_reset_done"), who=""),
        Stop("password-new", "password_reset_confirm", reverse("password_reset_confirm", args=[key, token]), who=""),
        Stop(
            "password-link-over", "password_reset_confirm", reverse("password_reset_confirm", args=[key, "x"]), who=""
        ),
        Stop("invitation", "invitation", link, who=""),
        Stop("invitation-of-another", "invitation", link),
        Stop("invitation-over", "invitation", reverse("invitation_link", args=["gone"]), who=""),
        Stop("unsubscribe", "unsubscribe", _unsubscribe(company), who=""),
        Stop("unsubscribe-over", "unsubscribe", reverse("unsubscribe", args=["gone"]), who=""),
        Stop("second-step", "second_step", reverse("second_step"), who="viewer"),
        Stop("not-found", "", "/t/no-such-company/"),
    ]


def _own(company: Company) -> list[Stop]:
    return [
        Stop("companies", "home", reverse("home")),
        Stop("operators", "operators", reverse("operators"), who="operator"),
        Stop("operators-causes", "operators_causes", reverse("operators_causes"), who="operator"),
        Stop("operator-visit", "runs", reverse("runs", args=[company.busy.slug]), who="operator"),
        Stop("account", "account", reverse("account")),
        Stop("help", "help", reverse("help")),
        Stop("help-search", "help", reverse("help") + "?q=magazijn"),
        Stop("help-article", "help_article", reverse("help_article", args=["work-orders"])),
        Stop("help-settings", "help_settings", reverse("help_settings")),
        Stop("help-messages", "help_messages", reverse("help_messages")),
        Stop("email-link-over", "email_confirm", reverse("email_confirm", args=["gone"])),
        Stop("password-change", "password_change", reverse("password_change")),
        Stop("two-step", "two_step", reverse("two_step")),
        Stop("two-step-on", "two_step", reverse("two_step"), who="viewer+"),
        Stop("two-step-set-up", "two_step_enrol", reverse("two_step_enrol")),
        Stop("passkey-add", "passkey_add", reverse("passkey_add")),
        Stop("password-confirm", "password_confirm", reverse("password_confirm")),
        Stop("people", "people", reverse("people", args=[company.busy.slug])),
        Stop("company-data", "company_data", reverse("company_data", args=[company.busy.slug])),
        Stop("tokens", "tokens", reverse("tokens", args=[company.busy.slug])),
        Stop("webhooks", "webhooks", reverse("webhooks", args=[company.busy.slug])),
        Stop("webhook", "webhook_deliveries", _webhook(company)),
        Stop("webhook-change", "webhook_change", f"{_webhook(company)}change/"),
        Stop("people-as-viewer", "people", reverse("people", args=[company.busy.slug]), who="editor"),
        Stop("people-remove", "people", reverse("people", args=[company.busy.slug]), do=_remove_somebody),
    ]


def _webhook(company: Company) -> str:
    """Create a token, and a webhook with what was sent to it; return the address of its page."""
    if ApiToken.objects.exists():  # the tour is made once for each look
        return reverse("webhook_deliveries", args=[company.busy.slug, Webhook.objects.earliest("pk").pk])
    factories.api_token(company.busy, name="Power BI")
    row = factories.webhook(company.busy, gave_up_at=timezone.now())
    refused = {"code": "webhook.refused", "params": {"status": "500"}}
    factories.webhook_delivery(row, Event.RUN_ENDED, state="delivered", status=204, attempts=1)
    factories.webhook_delivery(row, Event.ATTENTION, status=500, attempts=3, problem=refused)
    factories.webhook_delivery(row, Event.TEST, state="failed", status=500, attempts=18, problem=refused)
    return reverse("webhook_deliveries", args=[company.busy.slug, row.pk])


def _start(company: Company) -> list[Stop]:
    return [
        Stop("start", "tenant", reverse("tenant", args=[company.busy.slug])),
        Stop("start-menus", "tenant", reverse("tenant", args=[company.busy.slug]), do=_open_all),
        Stop("start-new", "tenant", reverse("tenant", args=[company.new.slug]), who="newcomer"),
        Stop("start-troubled", "tenant", reverse("tenant", args=[company.troubled.slug])),
        *(
            Stop(f"{name.replace('_', '-')}-new", name, reverse(name, args=[company.new.slug]), who="newcomer")
            for name in (
                "work_orders",
                "causes",
                "figures",
                "records",
                "king_files",
                "runs",
                "log",
                "settings_versions",
            )
        ),
    ]


def _work_orders() -> list[Stop]:
    found = [
        Stop("work-orders", "work_orders", reverse("work_orders", args=["jansen"])),
        Stop("work-orders-person", "work_orders", reverse("work_orders", args=["jansen"]) + "?state=person"),
        Stop("work-orders-filters", "work_orders", reverse("work_orders", args=["jansen"]) + "?king=yes&since=x"),
        Stop(
            "work-orders-views",
            "work_orders",
            reverse("work_orders", args=["jansen"]) + "?state=person&mine=nobody&sort=-amount",
            do=_save_a_view,
        ),
        Stop("work-orders-as-viewer", "work_orders", reverse("work_orders", args=["jansen"]), who="viewer+"),
        Stop("causes", "causes", reverse("causes", args=["jansen"])),
        Stop("figures", "figures", reverse("figures", args=["jansen"])),
        *_statements(),
    ]
    for state in LedgerState:
        row = WorkOrder.objects.filter(state=state, source__gt="").order_by("id").first()
        if row:
            found.append(Stop(f"work-order-{state.value}", "work_order", _of("work_order", row.pk), do=_open_all))
    held = WorkOrder.objects.filter(state__in=[LedgerState.INCOMPLETE, LedgerState.REJECTED]).order_by("id")[0]
    run = SyncRun.objects.filter(options__has_keys=["work_orders", "dry_run"]).order_by("-id")[0]
    about = WorkOrder.objects.get(outsmart_id=run.options["work_orders"][0])
    return [
        *found,
        Stop("work-order-preview", "work_order_run", _of("work_order_run", about.pk, run.pk)),
        Stop("work-order-as-viewer", "work_order", _of("work_order", held.pk), who="viewer+"),
    ]


def _unsubscribe(company: Company) -> str:
    link = recipients.unsubscribe_link(company.busy, company.people["owner"].email)
    return link[link.index("/unsubscribe/") :]


def _statements() -> list[Stop]:
    """Sign the month of the newest work order, which then changes."""
    row = WorkOrder.objects.filter(work_date__isnull=False).latest("work_date")
    month = periods.month_of(row.work_date or timezone.localdate())
    owner = Membership.objects.get(tenant__slug="jansen", role=Role.OWNER).user
    signed = signing.sign(month, by=owner, seen=signing.shown(month).mark, accepted=True)
    return [
        Stop("statements", "statements", reverse("statements", args=["jansen"])),
        Stop("statement", "statement", _of("statement", month.key)),
        Stop("statement-of-a-day", "statement", _of("statement", f"{row.work_date:%Y-%m-%d}")),
        Stop("statement-as-viewer", "statement", _of("statement", month.key), who="viewer+"),
        Stop("statement-signed", "signed_statement", _of("signed_statement", signed.pk)),
    ]


def _happened() -> list[Stop]:
    runs = SyncRun.objects.order_by("-id")
    picked = {
        "run-export": runs.filter(kind=RunKind.EXPORT, status=RunStatus.PARTLY).exclude(options__has_key="dry_run"),
        "run-import": runs.filter(kind=RunKind.IMPORT, status=RunStatus.PARTLY, rejected_count__gt=0),
        "run-failed": runs.filter(status=RunStatus.FAILED),
        "run-trial-import": runs.filter(kind=RunKind.IMPORT, options__dry_run=True),
        "run-trial-export": runs.filter(kind=RunKind.EXPORT, options__dry_run=True),
    }
    records = {
        each.state: each for each in RecordLink.objects.exclude(state=RecordLink.State.LINKED).order_by("kind", "id")
    }
    number = LogEntry.objects.exclude(outsmart_id="").order_by("-id").values_list("outsmart_id", flat=True)[0]
    return [
        Stop("runs", "runs", reverse("runs", args=["jansen"])),
        *(Stop(name, "run", _of("run", found[0].pk), do=_open_all) for name, found in picked.items()),
        Stop("log", "log", reverse("log", args=["jansen"]), do=_open_all),
        Stop("log-of-one", "log", reverse("log", args=["jansen"]) + f"?number={number}"),
        Stop("search", "search", reverse("search", args=["jansen"]) + "?q=garage"),
        Stop("search-palette", "search", reverse("search", args=["jansen"]), do=_search_everywhere),
        Stop("audit", "audit", reverse("audit", args=["jansen"])),
        Stop("audit-of-logins", "audit", reverse("audit", args=["jansen"]) + "?group=login"),
        Stop("records", "records", reverse("records", args=["jansen"])),
        *(Stop(f"record-{name}", "record", _of("record", each.pk), do=_open_all) for name, each in records.items()),
        Stop(
            "change-limit", "change_limit", _of("change_limit", ChangeLimitTrip.objects.latest("id").pk), do=_open_all
        ),
        Stop("king-files", "king_files", reverse("king_files", args=["jansen"])),
    ]


def _calls(company: Company) -> list[Stop]:
    """Create a running search in King and a finished connection check."""
    owner, row = company.people["owner"], WorkOrder.objects.order_by("id")[0]
    until = timezone.now() + datetime.timedelta(hours=1)
    # The tour is made once for each look, and a question is asked once at a time.
    BackgroundCall.across_tenants.filter(tenant=company.busy).delete()
    search = {"kind": BackgroundCall.Kind.FIND_ORDER, "work_order": row, "parameters": {"number": "500"}}
    going_on = factories.background_call(
        company.busy, by=owner, state=BackgroundCall.State.RUNNING, expires_at=until, **search
    )
    tested = factories.background_call(company.busy, by=owner)
    found = factories.background_call(
        company.busy, by=owner, result={"found": {"order": {"number": "500"}, "shared_with": []}}, **search
    )
    named = {"call-waiting": going_on, "call-tested": tested, "work-order-attach": found}
    return [Stop(name, "background_call", _of("background_call", each.pk)) for name, each in named.items()]


def _choices(company: Company) -> list[Stop]:
    address = reverse("settings", args=["jansen"])
    return [
        Stop("settings", "settings", address),
        Stop("settings-new", "settings", reverse("settings", args=["bakker"]), who="newcomer"),
        Stop("settings-as-viewer", "settings", address, who="viewer+"),
        Stop("settings-refused", "settings", address, do=_save_wrongly),
        Stop("settings-tags", "settings", address, do=_pick_a_tag),
        Stop("settings-impact", "settings", address, do=_show_the_settings_impact),
        Stop("settings-tested", "settings", address, do=_test_the_connections),
        *_calls(company),
        Stop("switch-administration", "switch_administration", reverse("switch_administration", args=["jansen"])),
        Stop("settings-versions", "settings_versions", reverse("settings_versions", args=["jansen"])),
    ]


def _of(name: str, *numbers: object) -> str:
    return reverse(name, args=["jansen", *numbers])


# --- Preparing a page -------------------------------------------------------------------------------------------------


def _log_in_wrongly(page: Page) -> None:
    page.locator("#id_username").fill("anneke@jansen.example")
    page.locator("#id_password").fill("vergeten")
    page.locator("main button.primary").click()
    page.locator(".notice.error").wait_for()


def _open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true })")


def _remove_somebody(page: Page) -> None:
    page.locator("form[action$='/remove/'] button").last.click()
    page.wait_for_load_state()


def _save_a_view(page: Page) -> None:
    _open_all(page)
    page.locator("#view-name").fill("Nog niet toegewezen")
    page.locator("form[action$='/views/save/'] button").click()
    page.locator(".notice.success").wait_for()
    _open_all(page)


def _save_wrongly(page: Page) -> None:
    page.locator("#id_extra_text_line_1").fill("Bon {onbekend}")
    page.locator("[name=import_minutes]").fill("0")
    page.locator(".save-bar button.primary").click()
    page.locator(".notice.error").first.wait_for()


def _search_everywhere(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.locator("#palette-q").fill("garage")
    page.locator("#palette-work-orders-1").wait_for()


def _pick_a_tag(page: Page) -> None:
    page.locator(".insert").first.click()
    page.locator(".tag-picker").wait_for()


def _show_the_settings_impact(page: Page) -> None:
    page.locator("[name=create_new_order]").uncheck()
    page.locator("#show-effect").click()
    page.locator("#impact .card").wait_for()


def _test_the_connections(page: Page) -> None:
    for button in page.locator("[hx-post*='/settings/test/']").all():
        button.click()
    page.locator(".test .notice").nth(1).wait_for()


# --- Viewers ----------------------------------------------------------------------------------------------------------


@contextmanager
def window(browser: Browser, company: Company, address: str, who: str, **options: object) -> Iterator[Page]:
    """Open a window of a logged-in user; "" is anonymous, a "+" has passed the second step as well."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    if who:
        sessions.log_in(context, company.people[who.rstrip("+")], address, has_passed=who.endswith("+"))
    page = context.new_page()
    page.set_default_timeout(patience.MILLISECONDS)
    yield page
    context.close()


def speak(page: Page, language: str, address: str) -> None:
    """Set the site's language for the window."""
    page.context.add_cookies([{"name": deployment.LANGUAGE_COOKIE_NAME, "value": language, "url": address}])


def visit(page: Page, address: str, stop: Stop) -> None:
    """Go to a page and prepare it as its stop says."""
    answer = page.goto(f"{address}{stop.address}")
    assert answer is None or answer.status != 500 or not stop.url, f"{stop.name} shows an error of ours"
    stop.do(page)
    # Elements stuck to an edge of the window would cover the middle of a full-page picture.
    page.evaluate("document.querySelectorAll('.save-bar, .side').forEach((each) => { each.style.position = 'static' })")
