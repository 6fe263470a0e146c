"""Visitors who send or read slowly, or send nothing, against the web server as production runs it."""

from __future__ import annotations

import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml
from django.test import Client

from devservers import ports
from devservers.places import CHECKOUT, local_folder
from kingsync.models.tenants import Role, Tenant
from tests import factories, processes

START_SECONDS = 180
# Visitors who blocked the pages would block them for minutes.
PAGE_SECONDS = 30.0
REQUEST_SECONDS = 4
# Longer than any limit on a request.
PATIENCE = 60.0
HOST = b"Host: 127.0.0.1\r\n"
# The token makes Django read the form.
FORM = HOST + b"Content-Type: application/x-www-form-urlencoded\r\nCookie: csrftoken=" + b"a" * 32 + b"\r\n"
SLOW = {
    "body": (b"POST /login/ HTTP/1.1\r\n" + FORM + b"Content-Length: 5000\r\n\r\n", b"a"),
    "body in pieces": (b"POST /login/ HTTP/1.1\r\n" + FORM + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "headers": (b"GET /login/ HTTP/1.1\r\n" + HOST, b"X-More: 1\r\n"),
    "silence": (b"", b""),
    "upload without an account": (
        b"POST /t/jansen/king-files/ HTTP/1.1\r\n" + FORM + b"Content-Length: 500000000\r\n\r\n",
        b"a",
    ),
}


@pytest.fixture
def port(transactional_db: None, tmp_path: Path) -> Iterator[int]:
    """Yield the port of the compose file's web command, on the test database and with the keys of this checkout."""
    port = ports.free_port()
    command = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]["web"]["command"]
    words = shlex.split(command.replace("0.0.0.0", ports.HOST).replace("--port 8000", f"--port {port}"))
    environment = processes.environment(
        local_folder(),
        WEB_REQUEST_SECONDS=str(REQUEST_SECONDS),
        KING_XML_FOLDER=str(tmp_path),
        DATABASE_URL=processes.database_url(),
        REDIS_URL=os.environ["REDIS_URL"],
    )
    web = subprocess.Popen([sys.executable, *words[1:]], env=environment, cwd=CHECKOUT)
    try:
        end = time.monotonic() + START_SECONDS
        while not _answers(port):
            assert web.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield port
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(PATIENCE)


def _answers(port: int) -> bool:
    try:
        return _page(port, "/health?part=web") == 200
    except OSError:
        return False


def _page(port: int, path: str, *, session: str = "") -> int:
    client = http.client.HTTPConnection(ports.HOST, port, timeout=PAGE_SECONDS)
    try:
        client.request("GET", path, headers={"Cookie": f"sessionid={session}"} if session else {})
        return client.getresponse().status
    finally:
        client.close()


class Visitor:
    """Sends the beginning of a request at once and the rest byte by byte, until it gets an answer or is cut off."""

    def __init__(self, port: int, beginning: bytes, more: bytes) -> None:
        self.answer = b""
        self._more, self._stop = more, threading.Event()
        self._socket = socket.create_connection((ports.HOST, port))
        self._socket.sendall(beginning)
        self._socket.settimeout(1)
        self._thread = threading.Thread(target=self._go_on)
        self._thread.start()

    def is_over(self) -> bool:
        self._thread.join(PATIENCE)
        return not self._thread.is_alive()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _go_on(self) -> None:
        while not self._stop.is_set():
            try:
                self._socket.sendall(self._more)
                piece = self._socket.recv(65536)
            except TimeoutError:
                continue  # a second without an answer: one more byte
            except OSError:
                return
            if not piece:
                return
            self.answer += piece
            if b"\r\n\r\n" in self.answer:
                return


@contextmanager
def _visitors(port: int, kinds: Iterable[tuple[bytes, bytes]]) -> Iterator[list[Visitor]]:
    with ExitStack() as stack:
        visitors = []
        for kind in kinds:
            visitors.append(Visitor(port, *kind))
            stack.callback(visitors[-1].close)
        yield visitors


def test_slow_visitors_without_an_account_keep_nobody_from_the_pages(port: int) -> None:
    with _visitors(port, [*SLOW.values()] * 50) as slow:
        seen = [_page(port, "/login/") for _each in range(5)]
        are_over = [visitor.is_over() for visitor in slow]
        answers = [visitor.answer.partition(b"\r\n")[0] for visitor in slow[: len(SLOW)]]

    assert seen == [200] * 5
    assert all(are_over)
    told = dict(zip(SLOW, answers, strict=True))
    assert b"408" in told["body"]
    assert b"408" in told["body in pieces"]
    assert b"302" in told["upload without an account"]


def test_a_form_that_is_too_large_is_refused_before_it_is_read(port: int) -> None:
    head = b"POST /login/ HTTP/1.1\r\n" + FORM + b"Content-Length: 5000000\r\n\r\n"
    with socket.create_connection((ports.HOST, port), timeout=PAGE_SECONDS) as visitor:
        visitor.sendall(head)
        answer = visitor.recv(4096)

    assert b"413" in answer.splitlines()[0]


def test_slow_uploads_of_people_with_an_account_keep_nobody_from_the_pages(port: int) -> None:
    tenant = Tenant.objects.create(slug="jansen", name="Jansen")
    browser = Client()
    browser.force_login(factories.member(tenant, Role.EDITOR))
    session = browser.cookies["sessionid"].value
    head = (
        b"POST /t/jansen/king-files/ HTTP/1.1\r\n" + HOST + b"Cookie: sessionid=" + session.encode() + b"; csrftoken="
        b"" + b"a" * 32 + b"\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000000\r\n\r\n"
    )
    with _visitors(port, [(head, b"-")] * 20) as slow:
        seen = [_page(port, "/t/jansen/", session=session) for _each in range(5)]
        first = slow[0].is_over()

    assert seen == [200] * 5
    assert first
    assert b"408" in slow[0].answer.splitlines()[0]


def test_who_takes_a_page_slowly_keeps_nobody_from_the_pages(port: int) -> None:
    with ExitStack() as stack:
        for _each in range(50):
            reader = stack.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            reader.connect((ports.HOST, port))
            reader.sendall(b"GET /static/unfold/css/styles.css HTTP/1.1\r\n" + HOST + b"\r\n")
        seen = [_page(port, "/login/") for _each in range(5)]

    assert seen == [200] * 5
