"""Faults that a server's answer to a ping hides: each is one line, with what to do."""

from __future__ import annotations

import http.server
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_django import Settings

from kingsync import __version__
from kingsync.upkeep.doctor import broker, environment, pages
from kingsync.upkeep.doctor.checks import Finding, State
from tests.contract.socket_server import closed_port
from tests.integrations.test_transport_tls import certificate

WELL = {"role": "master", "rdb_last_bgsave_status": "ok", "maxmemory": 0, "maxmemory_policy": "noeviction"}


def said(found: list[Finding]) -> str:
    assert all(each.todo for each in found if each.state != State.OK)
    return "; ".join(f"{each.state} {each.text}" for each in found)


# --- The broker -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({}, ""),
        ({"redis_version": "7.0.15"}, ""),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, ""),
        ({"redis_version": "6.2.14"}, "wrong is too old: 6.2.14"),
        ({"role": "slave"}, "wrong is a replica, which takes no messages"),
        ({"rdb_last_bgsave_status": "err"}, "wrong could not save its data"),
        (
            {"maxmemory_policy": "allkeys-lru"},
            "warning throws messages away when its memory is full (allkeys-lru)",
        ),
        ({"maxmemory": 1000, "used_memory": 1000}, "wrong has no memory left, so it takes no messages"),
        ({"maxmemory": 1000, "used_memory": 999}, ""),
    ],
)
def test_a_broker_that_takes_or_keeps_no_messages_is_told(told: dict[str, object], line: str) -> None:
    assert said(list(broker.problems(WELL | told))) == line


def test_a_password_that_the_broker_refuses_is_told_from_a_broker_that_is_away(settings: Settings) -> None:
    settings.REDIS_URL = re.sub(r"//.*@", "//:a-wrong-password@", settings.REDIS_URL)

    assert said(broker.broker()) == "wrong refuses our password"


def test_the_broker_of_the_tests_answers_with_its_version() -> None:
    [found] = broker.broker()

    assert found.state == State.OK
    assert found.text.startswith("answers; version ")


# --- The pages --------------------------------------------------------------------------------------------------------


@contextmanager
def site(status: int, body: bytes, *, tls: Path | None = None) -> Iterator[int]:
    """Answer every request alike, with the certificate in this folder."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "server.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def health(version: str = __version__) -> bytes:
    return json.dumps({"status": "ok", "version": version}).encode()


@pytest.fixture
def production(settings: Settings) -> Settings:
    settings.IS_DEVELOPMENT = False
    return settings


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (200, health(), "ok answer at http://127.0.0.1:"),
        (503, health(), "ok answer at http://127.0.0.1:"),
        (200, health("0.0.9"), f"warning kingsync 0.0.9 answers, this is {__version__}"),
        (200, b"<h1>Welcome to nginx!</h1>", "wrong something else answers there"),
        (400, b"", "wrong the host name is refused (400)"),
        (301, b"", "wrong /health answers 301"),
        (502, b"", "wrong /health answers 502"),
    ],
)
def test_what_answers_at_the_address_of_the_pages_is_judged(
    production: Settings, status: int, body: bytes, line: str
) -> None:
    with site(status, body) as port:
        production.SITE_URL = f"http://127.0.0.1:{port}"

        assert said(pages.pages()).startswith(line)


def test_an_address_where_nothing_listens_is_wrong(production: Settings) -> None:
    production.SITE_URL = f"http://127.0.0.1:{closed_port()}"

    assert said(pages.pages()).startswith("wrong nothing listens at http://127.0.0.1:")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (socket.gaierror(), "wrong https://kingsync.example is a name without an address"),
        (TimeoutError(), "warning https://kingsync.example cannot be reached from here (TimeoutError)"),
    ],
)
def test_a_name_without_an_address_is_wrong_and_no_way_to_it_a_warning(
    production: Settings, monkeypatch: pytest.MonkeyPatch, error: OSError, line: str
) -> None:
    def connect(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", connect)
    production.SITE_URL = "https://kingsync.example"

    assert said(pages.pages()) == line


def test_a_certificate_that_browsers_refuse_and_plain_http_are_wrong(production: Settings, tmp_path: Path) -> None:
    certificate(tmp_path)
    with site(200, health(), tls=tmp_path) as port:
        production.SITE_URL = f"https://127.0.0.1:{port}"
        assert said(pages.pages()).startswith("wrong the certificate is refused: self")
    with site(200, health()) as port:
        production.SITE_URL = f"https://127.0.0.1:{port}"
        assert said(pages.pages()).startswith("wrong no https at this address (")


def test_a_certificate_that_ends_soon_is_told(
    production: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate(tmp_path)  # for a day
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with site(200, health(), tls=tmp_path) as port:
        production.SITE_URL = f"https://127.0.0.1:{port}"

        found = said(pages.pages())

    assert found.startswith("ok answer at ")
    assert "; warning the certificate ends on " in found


# --- Names ------------------------------------------------------------------------------------------------------------


def test_a_name_that_our_own_pages_refuse_and_an_origin_without_scheme_are_wrong(production: Settings) -> None:
    production.ALLOWED_HOSTS, production.SITE_URL = ["kingsync.example"], "https://king-sync.example"
    production.CSRF_TRUSTED_ORIGINS = ["kingsync.example"]

    found = said(environment.addresses())

    assert "wrong king-sync.example, the name in SITE_URL, is refused by our own pages" in found
    assert "wrong CSRF_TRUSTED_ORIGINS names a host without its scheme" in found


def test_a_name_below_an_allowed_one_is_well(production: Settings) -> None:
    production.ALLOWED_HOSTS, production.SITE_URL = [".kingsync.example"], "https://www.kingsync.example"

    assert "SITE_URL" not in said(environment.addresses())


def test_what_the_production_page_itself_sets_is_not_misspelt() -> None:
    [found] = environment.variables({"KINGSYNC_ENVIRONMENT": "/etc/kingsync/environment", "KINGSYNC_USER": "root"})

    assert found.state == State.OK
