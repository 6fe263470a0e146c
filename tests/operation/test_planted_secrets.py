"""Secrets are planted, then everything breaks that can: no log, page, table, mail, message or process list shows one.

What an error tracker is sent has a test of its own (`test_error_tracking.py`), and so has masking (`test_masking.py`).
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import redis
from django.conf import settings as deployment
from django.contrib.auth.tokens import default_token_generator
from django.core import mail, signing
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from pytest_django import Settings

from devservers.places import CHECKOUT
from kingsync import tasks
from kingsync.accounts import invitations
from kingsync.accounts.session_store import SessionStore
from kingsync.database import sessions
from kingsync.exports.assessment import Assessment
from kingsync.log_lines import LineFormatter
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.connections import Connection, System
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.tenants import Role, Tenant
from kingsync.models.users import User
from kingsync.web.accounts import two_step_codes
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario
from tests.contract.socket_server import SocketServer, answer, closed_port, says
from tests.integrations.test_transport_tls import certificate
from tests.operation.echo_server import EchoServer
from tests.web.settings.settings_entries import entries

MARK = "Zq7kV9"
PLANTED = {
    name: f"{name.replace('_', '')}{MARK}{number}wX5b"
    for number, name in enumerate(
        (
            "token",
            "software_token",
            "bearer_token",
            "access_code",
            "other_code",
            "typed",
            "password",
            "secret_key",
            "encryption_key",
            "mail",
            "proxy",
        )
    )
}
LONG = "-long-and-random-0123456789-abcdefgh"
# The most and the least that is ever written. What a level between them writes is a part of what DEBUG writes, line for
# line: nothing of ours asks for the level.
LEVELS = [logging.DEBUG, logging.ERROR]


class Outputs:
    """Everything that was written, and the secrets that nothing of it may contain."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.secrets = {MARK}
        self.log = io.StringIO()

    def add(self, where: str, text: str) -> None:
        self.texts.append((where, text))

    def leaks(self) -> list[str]:
        """Return where secrets were found, with what surrounds them."""
        needles = {form.lower() for secret in self.secrets for form in _forms(secret)}
        found = []
        for where, text in [*self.texts, ("log", self.log.getvalue())]:
            folded = text.lower()
            for needle in needles:
                if (at := folded.find(needle)) >= 0:
                    found.append(f"{where}: {text[max(0, at - 150) : at + 60]!r}")
        return found


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and its middle in base64, whatever is in front of it."""
    yield secret
    for shift in range(3):
        coded = base64.b64encode(b"x" * shift + secret.encode()).decode()
        if len(coded) >= 16:
            yield coded[4:-4]


@pytest.fixture
def outputs(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outputs]:
    """Collect the log of every logger at the level of the test, in both forms of the deployment."""
    found, level = Outputs(), getattr(request, "param", logging.DEBUG)
    handlers = [logging.StreamHandler(found.log), logging.StreamHandler(found.log)]
    for handler, as_json in zip(handlers, (False, True), strict=True):
        handler.setFormatter(LineFormatter(as_json=as_json))
    root = logging.getLogger()
    names = [name for name, each in logging.Logger.manager.loggerDict.items() if isinstance(each, logging.Logger)]
    for logger in [root, *map(logging.getLogger, names)]:
        monkeypatch.setattr(logger, "level", level)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]
    for handler in handlers:
        root.addHandler(handler)
    yield found
    for handler in handlers:
        root.removeHandler(handler)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]


@pytest.fixture
def planted(
    tenant: Tenant, settings: Settings, king: KingSandbox, outsmart: OutSmartSandbox, outputs: Outputs
) -> Tenant:
    """Plant secrets in the settings, in the tenant's connections, and in work."""
    settings.SECRET_KEY = PLANTED["secret_key"] + LONG
    settings.ENCRYPTION_KEYS = [PLANTED["encryption_key"] + LONG]
    settings.OUTSMART_SOFTWARE_TOKEN = PLANTED["software_token"]
    settings.OUTSMART_HOSTS = ["127.0.0.1"]
    settings.KING_PLAIN_HTTP = True
    for url in (deployment.REDIS_URL,):
        outputs.secrets.add(url.partition("://:")[2].partition("@")[0])
    outputs.secrets.add(str(connection.settings_dict["PASSWORD"]))
    outputs.secrets -= {""}
    scenario.stock(king)
    factories.settings(tenant)
    scenario.work_order(outsmart)
    for system, secrets in {
        System.OUTSMART: {name: PLANTED[name] for name in ("token", "software_token", "bearer_token")},
        System.KING: {
            "access_code": PLANTED["access_code"],
            "access_codes": {"Order_Toevoegen": PLANTED["other_code"]},
        },
    }.items():
        Connection.objects.filter(system=system).update(credentials=secrets)
    return tenant


@pytest.fixture
def visitor(planted: Tenant) -> Client:
    """Log an owner in; errors become pages, as in production."""
    owner = factories.member(planted, Role.OWNER, name="alice")
    made = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
    made.force_login(owner)
    return made


def look(outputs: Outputs, browser: Client, *addresses: str) -> None:
    for address in addresses:
        page = browser.get(address)
        shown = f"{page.headers} {page.content.decode('utf-8', 'replace')}"
        for own in (address, quote(address)):
            shown = shown.replace(own, "where it came from")  # the login leads back to it
        outputs.add("a page", shown)


def send(outputs: Outputs, browser: Client, address: str, sent: dict[str, Any]) -> None:
    page = browser.post(address, sent)
    outputs.add(f"page {address}", f"{page.headers} {page.content.decode('utf-8', 'replace')}")


def rest(outputs: Outputs) -> None:
    """Collect the tables, the broker's messages, and the process list."""
    with sessions.as_owner(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            outputs.add(f"table {table}", "\n".join(row[0] for row in cursor.fetchall()))
    broker = redis.Redis.from_url(deployment.REDIS_URL)
    for key in broker.scan_iter():
        kind = broker.type(key)
        kept = broker.lrange(key, 0, -1) if kind == b"list" else broker.hgetall(key) if kind == b"hash" else key
        outputs.add(f"broker {key!r}", str(kept))
    for child in psutil.Process().children(recursive=True):
        # A process of the server may end between the list and the look at it.
        with contextlib.suppress(psutil.NoSuchProcess):
            outputs.add("process list", " ".join(child.cmdline()))


def point_to(address: str) -> None:
    Connection.objects.update(base_url=address, state=Connection.State.ACTIVE)


def meet_a_bug(monkeypatch: pytest.MonkeyPatch, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    """Export a work order to systems that take our secrets, with a fault of our own on the way."""
    king.access_code, king.access_codes["Order_Toevoegen"] = PLANTED["access_code"], PLANTED["other_code"]
    outsmart.token, outsmart.software_token = PLANTED["token"], PLANTED["software_token"]
    for system, sandbox in ((System.KING, king), (System.OUTSMART, outsmart)):
        Connection.objects.filter(system=system).update(base_url=sandbox.base_url, state=Connection.State.ACTIVE)
    with monkeypatch.context() as bug:
        bug.setattr(Assessment, "next_step", lambda _self: 1 // 0)
        scenario.export()
    assert LogEntry.objects.filter(event="order.internal_error").exists()


@pytest.mark.parametrize("outputs", LEVELS, indirect=True, ids=logging.getLevelName)
def test_nothing_shows_a_secret_when_calls_break(
    visitor: Client,
    king: KingSandbox,
    outsmart: OutSmartSandbox,
    outputs: Outputs,
    tmp_path: Path,
    calls_at_once: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    tls, _pem = certificate(tmp_path)
    with EchoServer() as echo, SocketServer(says(answer(b"ok")), tls=tls) as untrusted:
        broken = [f"http://127.0.0.1:{closed_port()}", untrusted.url, *map(echo.url, (200, 302, 401, 500))]
        for address in broken:
            point_to(address)
            runs = [scenario.export(), scenario.export(dry_run=True), scenario.load("customers")]
            assert {run.status for run in runs} <= {"failed", "partly"}
            for system in System:
                send(outputs, visitor, f"/t/jansen/settings/test/{system}/", entries(visitor))
            look(outputs, visitor, *(f"/t/jansen/runs/{run.pk}/" for run in runs))
        assert any(PLANTED["token"] in said for said in echo.heard)
        assert any(PLANTED["access_code"] in said for said in echo.heard)
    meet_a_bug(monkeypatch, king, outsmart)
    tasks._send(SyncRun.objects.order_by("pk")[0])
    look(
        outputs,
        visitor,
        "/t/jansen/",
        "/t/jansen/settings/",
        "/t/jansen/runs/",
        "/t/jansen/log/",
        "/t/jansen/work-orders/",
    )

    rest(outputs)
    outputs.add("stdout and stderr", "".join(capfd.readouterr()))

    assert outputs.leaks() == []


@pytest.mark.parametrize("outputs", LEVELS, indirect=True, ids=logging.getLevelName)
def test_nothing_shows_a_secret_when_pages_break(
    visitor: Client,
    planted: Tenant,
    outputs: Outputs,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    owner = User.objects.get()
    outputs.secrets.add(str(visitor.cookies[deployment.SESSION_COOKIE_NAME].value))
    stranger = Client(raise_request_exception=False, headers={"Accept-Language": "en"})
    links = secret_links(owner, planted, outputs)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed_port()
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "kingsync", PLANTED["mail"]

    look(outputs, stranger, *links)
    look(outputs, visitor, *links)
    for address, sent in forms(visitor):
        for browser in (stranger, visitor, Client(enforce_csrf_checks=True, raise_request_exception=False)):
            send(outputs, browser, address, sent)
    with monkeypatch.context() as broken:
        broken.setattr(SessionStore, "save", _fails)
        look(outputs, stranger, *links)
    key = Authenticator(user=owner).key
    visitor.get("/account/two-step/set-up/")
    outputs.secrets |= {two_step_codes.open_key(str(visitor.session.get("two_step_key", ""))) or key}
    rest(outputs)
    outputs.add("stdout and stderr", "".join(capfd.readouterr()))

    assert outputs.leaks() == []


def secret_links(owner: User, tenant: Tenant, outputs: Outputs) -> list[str]:
    """Make the links that e-mails carry; their secrets are looked for everywhere but in those e-mails."""
    invitations.invite(tenant, email="nina@jansen.example", role=Role.VIEWER, by=owner)
    [invitation] = re.findall(r"/invitation/[^/\s]+/", str(mail.outbox[-1].body))
    reset = default_token_generator.make_token(owner)
    sealed = signing.dumps({"user": 0, "old": "x", "new": "nina@jansen.example"}, salt="kingsync.mail-address")
    outputs.secrets |= {invitation.split("/")[2], reset, sealed}
    name = urlsafe_base64_encode(force_bytes(owner.pk))
    return [invitation, f"/login/password/{name}/{reset}/", f"/account/email/{sealed}/", f"{invitation}more/"]


def forms(visitor: Client) -> list[tuple[str, dict[str, Any]]]:
    """Return forms with secrets in them, each of which is refused."""
    typed = {"outsmart-token": PLANTED["typed"], "king-access_code": PLANTED["typed"], "king-base_url": "no address"}
    password = {"password": PLANTED["password"]}
    return [
        ("/t/jansen/settings/", entries(visitor) | typed),
        ("/t/jansen/settings/test/king/", entries(visitor) | typed),
        ("/login/", {"username": "alice@jansen.example", **password}),
        ("/login/second-step/", {"code": PLANTED["password"][:20]}),
        ("/account/confirm/", password),
        ("/account/email/", {"email-email": "no address", "email-password": PLANTED["password"]}),
        ("/account/email/", {"email-email": "a@b.example", "email-password": factories.PASSWORD}),
        ("/account/password/", {"old_password": PLANTED["password"], "new_password1": PLANTED["password"]}),
        ("/account/two-step/passkeys/new/", {"name": "x", "answer": f'{{"id": "{PLANTED["password"]}"}}'}),
        ("/login/password/", {"email": "alice@jansen.example"}),
        ("/t/jansen/people/invite/", {"email": "piet@jansen.example", "role": "viewer"}),
    ]


def _fails(*_args: object, **_rest: object) -> None:
    raise OperationalError("the connection is lost")


BAD_FILES = [
    {"slug": "jansen", "outsmart": {"token": PLANTED["token"], "base_url": 7}},
    {"slug": "jansen", "king": {"access_codes": {PLANTED["access_code"]: 1}}},
    {"slug": "jansen", "king": {"access_code": [PLANTED["access_code"]]}},
    {"outsmart": PLANTED["token"]},
]


@pytest.mark.parametrize("content", BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_bad_tenant_file_shows_no_secret(
    db: None, outputs: Outputs, tmp_path: Path, content: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tenant.json"
    path.write_text(json.dumps(content))

    with pytest.raises((CommandError, SystemExit)) as refused:
        call_command("apply_tenant", str(path))

    outputs.add("command", "".join(capfd.readouterr()) + str(refused.value))
    assert outputs.leaks() == []


def test_a_database_error_shows_no_secret(planted: Tenant, outputs: Outputs) -> None:
    row = Connection.objects.all()[0]
    row.system = "a system with far too long a name"

    with pytest.raises(DatabaseError) as failed:
        row.save()

    outputs.add("exception", str(failed.value))
    assert outputs.leaks() == []


COMMANDS = {
    "database away": ["manage.py", "sync", "jansen", "export"],
    "mail server away": ["manage.py", "sendtestemail", "bob@jansen.example"],
    "broker away": ["-m", "celery", "--app", "kingsync.celery", "inspect", "ping", "--timeout", "1"],
    "report": ["-m", "celery", "--app", "kingsync.celery", "report"],
    "probe": ["-m", "kingsync.probe", "clock"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_program_of_a_deployment_shows_no_secret_of_its_environment(outputs: Outputs, name: str) -> None:
    port = closed_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "SECRET_KEY": PLANTED["secret_key"] + LONG,
        "ENCRYPTION_KEYS": PLANTED["encryption_key"] + LONG,
        "ALLOWED_HOSTS": "kingsync.example",
        "DATABASE_URL": f"postgres://kingsync:{PLANTED['password']}@127.0.0.1:{port}/kingsync",
        "REDIS_URL": f"redis://:{PLANTED['typed']}@127.0.0.1:{port}/0",
        "EMAIL_URL": f"smtp://kingsync:{PLANTED['mail']}@127.0.0.1:{port}",
        "OUTGOING_PROXY": f"http://kingsync:{PLANTED['proxy']}@127.0.0.1:{port}",
        "OUTSMART_SOFTWARE_TOKEN": PLANTED["software_token"],
    }

    done = subprocess.run(
        [sys.executable, *COMMANDS[name]],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    outputs.add("output", done.stdout + done.stderr)
    assert done.stdout or done.stderr or done.returncode == 1  # the probe says nothing
    assert outputs.leaks() == []
