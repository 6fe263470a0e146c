"""However badly the other side behaves, pages answer: on the web server as it is deployed, with four threads."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from django.conf import settings as deployment
from django.test import Client

from kingsync.models import tenants
from kingsync.models.background_calls import BackgroundCall
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Role, Tenant
from sandboxes.king.sandbox import KingSandbox
from tests import factories, programs, scenario

pytestmark = pytest.mark.django_db(transaction=True)

# A page is promised within 5 seconds, but this machine may be busy. Threads would be held far longer.
PAGE_SECONDS, FIRST_PAGE_SECONDS = 15.0, 90.0
SETTINGS = "/t/jansen/settings/"


class Rude:
    """A server that accepts every call and never ends its answer: one byte of a header each second."""

    administration = "DEMO01"

    def __init__(self) -> None:
        self.held = 0
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            self.held += 1
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not self._over.wait(1):
                    connection.sendall(b"x")
            finally:
                self.held -= 1

    def close(self) -> None:
        self._over.set()
        self._listener.close()


@pytest.fixture
def rude() -> Iterator[Rude]:
    server = Rude()
    yield server
    server.close()


@dataclass
class Browser:
    """A browser without scripts, logged in; every page must come within the promised time."""

    port: int
    cookies: dict[str, str]
    token: str = ""
    seconds: float = FIRST_PAGE_SECONDS

    def get(self, address: str, **headers: str) -> str:
        return self._asked("GET", address, None, headers)[1]

    def post(self, address: str, fields: dict[str, str], **headers: str) -> tuple[int, str]:
        """Post a form; return the status and where the answer leads."""
        body = urlencode(fields | {"csrfmiddlewaretoken": self.token})
        return self._asked("POST", address, body, headers | {"Content-Type": "application/x-www-form-urlencoded"})

    def pressed_and_followed(self, address: str, fields: dict[str, str]) -> tuple[int, str]:
        """Post a form and go at once where the answer leads; return the status of the answer and the last page."""
        status, answer = self.post(address, fields)
        return status, self.get(answer) if status == 302 else answer

    def _asked(self, method: str, address: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with contextlib.closing(client):
            client.request(method, address, body, {"Cookie": cookies, "Accept-Language": "en", **headers})
            answer = client.getresponse()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    key, _, rest = value.partition("=")
                    self.cookies[key] = rest.split(";")[0]
            text = answer.read().decode()
            return answer.status, answer.getheader("Location") or text


def browser(port: int, tenant: Tenant, role: Role = Role.EDITOR) -> Browser:
    client = Client()
    client.force_login(factories.member(tenant, role))
    name = deployment.SESSION_COOKIE_NAME
    opened = Browser(port, {name: client.cookies[name].value, deployment.LANGUAGE_COOKIE_NAME: "en"})
    page = opened.get(f"/t/{tenant.slug}/settings/")
    [opened.token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    opened.seconds = PAGE_SECONDS
    return opened


def king_form(system: Rude | KingSandbox, code: str) -> dict[str, str]:
    where = {"king-base_url": system.base_url, "king-administration": system.administration}
    return where | {"king-access_code": code, "king-verify_tls": "on"}


def test_eight_tests_of_a_rude_server_leave_the_pages_to_everybody(tenant: Tenant, rude: Rude) -> None:
    factories.settings(tenant)
    other = factories.tenant(slug="bakker")
    with programs.web() as port:
        eddy, nina = browser(port, tenant), browser(port, other)
        pressed = [eddy.pressed_and_followed(f"{SETTINGS}test/king/", king_form(rude, f"{each}")) for each in range(8)]
        programs.wait_for(lambda: rude.held > 0)
        page = nina.get("/t/bakker/settings/")
        still_held = rude.held

    assert still_held > 0
    assert "<h1>Settings</h1>" in page
    followed = [page for status, page in pressed if status == 302]
    assert followed
    assert all("King is being tested…" in each for each in followed)
    assert any("Other calls to OutSmart or King are in progress." in page for status, page in pressed if status == 200)


def test_pages_about_a_work_order_do_not_wait_for_king(tenant: Tenant, rude: Rude) -> None:
    factories.settings(tenant)
    with tenants.scope(tenant):
        Connection.objects.all().update(base_url=rude.base_url)
    rows = [factories.work_order(tenant, state="held") for _ in range(3)]
    with programs.web() as port:
        eddy = browser(port, tenant)
        decide = "/t/jansen/work-orders/{}/decide/"

        answers = [
            eddy.pressed_and_followed(decide.format(rows[0].pk), {"kind": "link", "number": "5"}),
            eddy.pressed_and_followed(decide.format(rows[1].pk), {"kind": "link", "number": "5", "sure": "1"}),
            eddy.pressed_and_followed(decide.format(rows[2].pk), {"kind": "reset", "sure": "1"}),
        ]
        programs.wait_for(lambda: rude.held > 0)
        crowded = eddy.post(f"{SETTINGS}choices/", {})
        still_held = rude.held

    assert still_held > 0
    assert [status for status, _page in answers] == [302] * 3
    assert all("Searching in King…" in page for _status, page in answers)
    assert "Other calls to OutSmart or King are in progress." in crowded[1]


def test_answer_is_found_whichever_process_is_asked(tenant: Tenant, king: KingSandbox) -> None:
    factories.settings(tenant)
    scenario.stock(king)
    king.store.put_record("order", "500", {"DebiteurNummer": 11, "Referentie": "Kade 1"})
    row = factories.work_order(tenant, state="held")
    with programs.web(workers=2) as port:
        eddy = browser(port, tenant)
        decide = f"/t/jansen/work-orders/{row.pk}/decide/"
        _status, tested = eddy.post(f"{SETTINGS}test/king/", king_form(king, "wrong"))
        _status, searched = eddy.post(decide, {"kind": "link", "number": "500"})
        programs.wait_for(lambda: not BackgroundCall.objects.filter(state__in=BackgroundCall.OPEN).exists())

        answers = [(eddy.get(tested), eddy.get(searched)) for _ in range(8)]
        _status, attached = eddy.post(decide, {"kind": "link", "number": "500", "sure": "1"})
        programs.wait_for(lambda: not BackgroundCall.objects.filter(state__in=BackgroundCall.OPEN).exists())
        ended = eddy.get(attached)

    assert all("King refused our credentials" in one and "Kade 1" in other for one, other in answers)
    assert ended == f"/t/jansen/work-orders/{row.pk}/"
    assert scenario.ledger(row.outsmart_id).king_order_number == "500"


def test_button_keeps_how_the_stored_connection_worked(tenant: Tenant, king: KingSandbox) -> None:
    factories.settings(tenant)
    with programs.web() as port:
        eddy = browser(port, tenant)
        _status, leads = eddy.post(
            f"{SETTINGS}test/king/",
            king_form(king, "") | {"king-busy_codes": "LOCK", "king-reader": "webservice"},
        )
        programs.wait_for(lambda: "King answered." in eddy.get(leads))

    assert Connection.objects.get(system=System.KING).last_success_at is not None
