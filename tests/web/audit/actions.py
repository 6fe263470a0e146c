"""What people do on the pages, and the entry that it must leave: a table for `test_recorded_actions`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import time_machine
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP

from kingsync.administrations import switch
from kingsync.models import tenants
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.api.tokens import ApiToken
from kingsync.models.audit.actions import Action
from kingsync.models.connections import Connection, System
from kingsync.models.notifications import StoppedAddress
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import LedgerState
from kingsync.statements import signing
from kingsync.web.accounts import two_step_codes
from tests import factories
from tests.statements import months
from tests.web.conftest import People
from tests.web.settings.settings_entries import entries

HOME = "198.51.100.7"
NEW_PASSWORD, NEW_CODE = "paard batterij nietje", "new-code-8642-king"
SAMPLE = Path(__file__).parent.parent.parent / "samples" / "king-artikelen.xml"


@dataclass
class Scene:
    """The company with its people; `secrets` collects what no entry may show."""

    tenant: Tenant
    people: People
    secrets: list[str] = field(default_factory=list)

    def browser(self, who: User | None = None) -> Client:
        made = Client(REMOTE_ADDR=HOME, headers={"Accept-Language": "en"})
        if who is not None:
            made.force_login(who)
        return made

    def post(self, name: str, /, *args: object, who: User | None = None, **sent: Any) -> None:
        """Send a form of the company's pages; by an owner if not otherwise stated."""
        answer = self.browser(who or self.people.owner).post(reverse(name, args=[self.tenant.slug, *args]), sent)
        assert answer.status_code in (200, 302), answer.content.decode()

    def member(self, user: User) -> int:
        return int(self.tenant.memberships.get(user=user).pk)


# What the forms of a company ask for.
NUMBERS: dict[str, Any] = {"log_days": "90", "payload_days": "30", "verification_calls": "2000", "silence_hours": "6"}


@dataclass(frozen=True)
class Case:
    """`who` names one of `People`, or nobody; what is compared of `after` are the named fields."""

    action: Action
    do: Callable[[Scene], object]
    who: str = "owner"
    subject: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def make_token(scene: Scene) -> None:
    scene.post("token_make", name="BI", scope="read", password=factories.PASSWORD)


def revoke_token(scene: Scene) -> None:
    scene.secrets.append(factories.api_token(scene.tenant))
    scene.post("token_revoke", ApiToken.across_tenants.get().pk)


def make_webhook(scene: Scene) -> None:
    scene.secrets.append("/services/T0/verysecret")
    address = f"https://hooks.example{scene.secrets[-1]}"
    scene.post("webhook_make", address=address, form="slack", event_run_ended="on", password=factories.PASSWORD)


def change_webhook(scene: Scene) -> None:
    scene.secrets.append("whsec_test")
    sent: dict[str, Any] = {"address": "", "form": "teams", "event_run_ended": "on", "password": factories.PASSWORD}
    scene.post("webhook_change", factories.webhook(scene.tenant).pk, **sent)


def renew_webhook_secret(scene: Scene) -> None:
    scene.secrets.append("whsec_test")
    scene.post("webhook_secret", factories.webhook(scene.tenant).pk, password=factories.PASSWORD)


def remove_webhook(scene: Scene) -> None:
    scene.secrets.append("whsec_test")
    scene.post("webhook_remove", factories.webhook(scene.tenant).pk)


def log_in(scene: Scene, password: str = factories.PASSWORD, *, email: str = "bob@jansen.example") -> Client:
    visitor = scene.browser()
    visitor.post("/login/", {"username": email, "password": password})
    return visitor


def at_one_moment() -> time_machine.travel:
    """Let no time pass inside the block: no hour ends between what is recorded once in an hour."""
    return time_machine.travel(timezone.now(), tick=False)


def link_of_mail(beginning: str) -> str:
    [found] = re.findall(rf"http://127\.0\.0\.1:8000({beginning}\S+)", str(mail.outbox[-1].body))
    return str(found)


# --- The company ------------------------------------------------------------------------------------------------------


def save_settings(scene: Scene) -> None:
    owner = scene.browser(scene.people.owner)
    owner.post("/t/jansen/settings/", entries(owner) | {"hour_rounding": "30"})


def change_king(scene: Scene) -> None:
    scene.secrets.append(NEW_CODE)
    owner = scene.browser(scene.people.owner)
    codes = factories.SECRETS[System.KING]["access_codes"]
    again = "\n".join(f"{name}={code}" for name, code in codes.items())
    changed = {"king-base_url": "https://king-2.example:8082", "king-access_code": NEW_CODE, "king-access_codes": again}
    data = entries(owner)
    prefix = {name.rpartition("base_url")[0] for name in data if name.endswith("base_url")}
    king = next(each for each in prefix if "king" in each)
    owner.post(
        "/t/jansen/settings/", data | {f"{king}{name.partition('-')[2]}": text for name, text in changed.items()}
    )


def change_company(scene: Scene) -> None:
    scene.post("company", requires_second_step="on", **NUMBERS | {"log_days": "30"})


def change_licence(scene: Scene) -> None:
    page = reverse("admin:kingsync_tenant_change", args=[scene.tenant.pk])
    sent = {"name": scene.tenant.name, "language": "nl"} | NUMBERS
    inline = {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    answer = scene.browser(scene.people.operator).post(page, sent | inline)
    assert answer.status_code == 302, answer.content.decode()


def switch_administration(scene: Scene) -> None:
    with tenants.scope(scene.tenant):
        factories.work_order(scene.tenant, king_order_number="500", step="created")
        king = Connection.objects.get(system=System.KING)
        king.administration = "NIEUW"
        switch.to_connection(king, from_date=None, by=scene.people.owner)


def withdraw(scene: Scene) -> None:
    scene.post("invite", email="nina@jansen.example", role="editor")
    scene.post("invitation_withdraw", scene.tenant.invitations.get().pk)


def join(scene: Scene) -> None:
    scene.secrets.append(NEW_PASSWORD)
    scene.post("invite", email="nina@jansen.example", role="editor")
    visitor, link = scene.browser(), link_of_mail("/invitation/")
    scene.secrets.append(link.split("/")[2])
    visitor.get(link)
    visitor.post("/invitation/", {"name": "Nina", "password": NEW_PASSWORD, "again": NEW_PASSWORD})


# --- Accounts ---------------------------------------------------------------------------------------------------------


def lock_out(scene: Scene) -> None:
    with at_one_moment():
        for _each in range(14):
            log_in(scene, "Welkom2026!")


def with_second_step(scene: Scene) -> tuple[Client, str, list[str]]:
    """Give the viewer a second step; return a browser that has passed the password, a code and the backup codes."""
    key = two_step_codes.new_key()
    Authenticator.objects.create(user=scene.people.viewer, secret={"key": key}, confirmed=True)
    backup = two_step_codes.new_backup_codes(scene.people.viewer)
    generator = TOTP(bytes.fromhex(key))
    generator.time = time.time()
    scene.secrets += [key, *backup]
    return log_in(scene), f"{generator.token():06}", backup


def enter_code(scene: Scene) -> None:
    browser, code, _backup = with_second_step(scene)
    browser.post("/login/second-step/", {"code": code})


def enter_wrong_code(scene: Scene) -> None:
    browser, code, _backup = with_second_step(scene)
    browser.post("/login/second-step/", {"code": f"{(int(code) + 1) % 1_000_000:06}"})


def use_backup_code(scene: Scene) -> None:
    browser, _code, backup = with_second_step(scene)
    browser.post("/login/second-step/", {"code": backup[0]})


def set_up_second_step(scene: Scene) -> None:
    browser = log_in(scene)
    browser.get("/account/two-step/set-up/")
    key = two_step_codes.open_key(browser.session["two_step_key"])
    generator = TOTP(bytes.fromhex(key))
    generator.time = time.time()
    scene.secrets.append(key)
    shown = browser.post("/account/two-step/set-up/", {"code": f"{generator.token():06}"}).content.decode()
    scene.secrets += re.findall(r"<code>([a-z2-7]{4}-[a-z2-7]{4})</code>", shown)


def remove_second_step(scene: Scene) -> None:
    browser, code, _backup = with_second_step(scene)
    browser.post("/login/second-step/", {"code": code})
    browser.post("/account/two-step/remove/", {"password": factories.PASSWORD})


def lose_the_phone(scene: Scene) -> None:
    with_second_step(scene)
    sent = {"action": "switch_second_step_off", "_selected_action": [scene.people.viewer.pk]}
    scene.browser(scene.people.operator).post(reverse("admin:kingsync_user_changelist"), sent)


def change_password(scene: Scene, old: str = factories.PASSWORD) -> None:
    scene.secrets.append(NEW_PASSWORD)
    sent = {"old_password": old, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    scene.browser(scene.people.viewer).post("/account/password/", sent)


def reset_password(scene: Scene) -> None:
    visitor = scene.browser()
    visitor.post("/login/password/", {"email": "bob@jansen.example"})
    if visitor.get(link_of_mail("/login/password/"), follow=True).redirect_chain:
        scene.secrets += [NEW_PASSWORD, link_of_mail("/login/password/").split("/")[4]]
        form = visitor.get(link_of_mail("/login/password/"), follow=True).redirect_chain[-1][0]
        visitor.post(form, {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD})


def change_email(scene: Scene) -> None:
    browser = scene.browser(scene.people.viewer)
    browser.post("/account/email/", {"email-email": "robert@jansen.example", "email-password": factories.PASSWORD})
    browser.post(link_of_mail("/account/email/"))


# --- Decisions, files, operators --------------------------------------------------------------------------------------


def exclude(scene: Scene) -> None:
    row = factories.work_order(scene.tenant, outsmart_id="7001", state=LedgerState.HELD)
    scene.post("decide", row.pk, who=scene.people.editor, kind="exclude", reason="Double")


def decide_import(decision: str) -> Callable[[Scene], None]:
    def do(scene: Scene) -> None:
        scene.post("change_limit", factories.trip(scene.tenant).pk, who=scene.people.editor, decision=decision)

    return do


def upload(scene: Scene) -> None:
    file = SimpleUploadedFile("artikelen.xml", SAMPLE.read_bytes(), content_type="text/xml")
    scene.post("king_files", who=scene.people.editor, files=[file])


def remove_file(scene: Scene) -> None:
    scene.post("king_file_remove", factories.king_file(scene.tenant, name="oud.xml").pk, who=scene.people.editor)


def look_twice(scene: Scene) -> None:
    """Open two pages, and one more after logging in again: all within the hour."""
    with at_one_moment():
        for _each in range(2):
            operator = scene.browser(scene.people.operator)
            for name in ("tenant", "work_orders"):
                assert operator.get(reverse(name, args=[scene.tenant.slug])).status_code == 200


NINA, BOB = "nina@jansen.example", "bob (bob@jansen.example)"


def sign_month(scene: Scene) -> None:
    with tenants.scope(scene.tenant):
        seen = signing.shown(months.OCTOBER).mark
    scene.post("sign_statement", months.OCTOBER.key, seen=seen)


def choose_notifications(scene: Scene) -> None:
    scene.post("choose_notifications", who=scene.people.viewer, mode="digest", language="en")


def resume_address(scene: Scene) -> None:
    StoppedAddress(tenant=scene.tenant, address="a@jansen.example", kind="refused", since=timezone.now()).save()
    scene.post("resume_address", who=scene.people.editor, resumed="a@jansen.example")


CASES = [
    Case(
        Action.SETTINGS_SAVED,
        save_settings,
        before={"version": 1, "hour_rounding": 15},
        after={"version": 2, "hour_rounding": 30},
    ),
    Case(
        Action.CONNECTION_CHANGED,
        change_king,
        subject="King",
        before={"base_url": "https://king.example:8082"},
        after={"base_url": "https://king-2.example:8082", "access_code": "changed"},
    ),
    Case(
        Action.COMPANY_CHANGED,
        change_company,
        subject="Jansen Installatie B.V. (jansen)",
        before={"requires_second_step": False, "log_days": 90},
        after={"requires_second_step": True, "log_days": 30},
    ),
    Case(
        Action.COMPANY_CHANGED,
        change_licence,
        who="operator",
        subject="Jansen Installatie B.V. (jansen)",
        before={"is_licensed": True},
        after={"is_licensed": False},
    ),
    Case(
        Action.ADMINISTRATION_SWITCHED,
        switch_administration,
        before={"administration": "DEMO"},
        after={"administration": "NIEUW"},
    ),
    Case(
        Action.MEMBER_ROLE_CHANGED,
        lambda scene: scene.post("member_role", scene.member(scene.people.viewer), role="editor"),
        subject=BOB,
        before={"role": "viewer"},
        after={"role": "editor"},
    ),
    Case(
        Action.MEMBER_REMOVED,
        lambda scene: scene.post("member_remove", scene.member(scene.people.viewer), sure="1"),
        subject=BOB,
        before={"role": "viewer"},
    ),
    Case(
        Action.INVITATION_SENT,
        lambda scene: scene.post("invite", email=NINA, role="editor"),
        subject=NINA,
        after={"role": "editor"},
    ),
    Case(Action.INVITATION_WITHDRAWN, withdraw, subject=NINA, after={"role": "editor"}),
    Case(Action.INVITATION_ACCEPTED, join, who="Nina", subject=NINA, after={"role": "editor"}),
    Case(Action.LOGIN_SUCCEEDED, log_in, who="viewer", subject=BOB),
    Case(Action.LOGIN_FAILED, lambda scene: log_in(scene, "Welkom2026!"), who="", subject=BOB),
    Case(Action.LOGIN_LOCKED, lock_out, who="", subject=BOB),
    Case(Action.LOGGED_OUT, lambda scene: log_in(scene).post("/logout/"), who="viewer", subject=BOB),
    Case(Action.CODE_ACCEPTED, enter_code, who="viewer", subject=BOB),
    Case(Action.CODE_REFUSED, enter_wrong_code, who="viewer", subject=BOB),
    Case(Action.BACKUP_CODE_USED, use_backup_code, who="viewer", subject=BOB),
    Case(Action.SECOND_STEP_SET_UP, set_up_second_step, who="viewer", subject=BOB),
    Case(Action.CODES_MADE, set_up_second_step, who="viewer", subject=BOB),
    Case(Action.SECOND_STEP_REMOVED, remove_second_step, who="viewer", subject=BOB),
    Case(Action.SECOND_STEP_REMOVED, lose_the_phone, who="operator", subject=BOB),
    Case(Action.PASSWORD_CHANGED, change_password, who="viewer", subject=BOB, after={"password": "changed"}),
    Case(Action.PASSWORD_REFUSED, lambda scene: change_password(scene, "Welkom2026!"), who="viewer", subject=BOB),
    Case(Action.RESET_REQUESTED, reset_password, who="", subject=BOB),
    Case(Action.PASSWORD_RESET, reset_password, who="viewer", subject=BOB, after={"password": "changed"}),
    Case(
        Action.ACCOUNT_CHANGED,
        change_email,
        who="bob@",
        subject="bob (robert@jansen.example)",
        before={"email": "bob@jansen.example"},
        after={"email": "robert@jansen.example"},
    ),
    Case(
        Action.DECIDED,
        exclude,
        who="editor",
        subject="7001",
        before={"state_before": "held"},
        after={"decision": "exclude", "reason": "Double"},
    ),
    Case(
        Action.IMPORT_APPROVED,
        decide_import("allow"),
        who="editor",
        subject="customers",
        before={"state": "waiting"},
        after={"state": "allowed", "changed_count": 60},
    ),
    Case(
        Action.IMPORT_REFUSED,
        decide_import("refuse"),
        who="editor",
        subject="customers",
        before={"state": "waiting"},
        after={"state": "refused"},
    ),
    Case(Action.MONTH_SIGNED, sign_month, subject="2025-10", after={"version": 1, "work_orders": 0}),
    Case(
        Action.NOTIFICATIONS_CHOSEN,
        choose_notifications,
        who="viewer",
        subject="bob@jansen.example",
        after={"mode": "digest", "language": "en"},
    ),
    Case(Action.ADDRESS_RESUMED, resume_address, who="editor", subject="a@jansen.example"),
    Case(Action.FILE_UPLOADED, upload, who="editor", subject="artikelen.xml", after={"document": "KING_ARTIKELEN"}),
    Case(Action.FILE_REMOVED, remove_file, who="editor", subject="oud.xml", before={"document": "KING_ARTIKELEN"}),
    Case(Action.TOKEN_MADE, make_token, subject="BI", after={"scopes": ["read"], "expires_at": None}),
    Case(Action.TOKEN_REVOKED, revoke_token, subject="BI"),
    Case(Action.WEBHOOK_MADE, make_webhook, subject="hooks.example", after={"form": "slack", "events": ["run.ended"]}),
    Case(
        Action.WEBHOOK_CHANGED,
        change_webhook,
        subject="hooks.example",
        before={"form": "plain"},
        after={"form": "teams", "events": ["run.ended"]},
    ),
    Case(Action.WEBHOOK_SECRET_RENEWED, renew_webhook_secret, subject="hooks.example"),
    Case(Action.WEBHOOK_REMOVED, remove_webhook, subject="hooks.example", before={"form": "plain"}),
    Case(Action.OPERATOR_LOOKED, look_twice, who="operator"),
]
