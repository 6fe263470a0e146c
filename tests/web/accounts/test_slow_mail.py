"""A slow mail server does not hold up the page."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from kingsync.models.tenants import Tenant
from kingsync.notifications import mailer
from tests import factories, patience
from tests.web.conftest import People
from tests.web.pages import text


class Silent:
    """A mail server that accepts the connection and never says a word."""

    def __init__(self) -> None:
        self.held = threading.Semaphore(0)
        self.left = threading.Event()
        self._taken: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._taken.append(connection)
                self.held.release()
                threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.recv(1)  # returns when the other side has given up
        self.left.set()

    def close(self) -> None:
        for each in (self._listener, *self._taken):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def silent(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    server = Silent()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 20
    monkeypatch.setattr(mailer, "PAGE_SECONDS", 0.5)
    yield server
    server.close()


def test_invitation_is_kept_and_told_not_to_be_sent(
    english: Client, tenant: Tenant, people: People, silent: Silent
) -> None:
    english.force_login(people.owner)

    answer = english.post("/t/jansen/people/invite/", {"email": "new@jansen.example", "role": "viewer"}, follow=True)

    assert silent.held.acquire(timeout=patience.SECONDS)
    assert not silent.left.is_set()
    assert "The mail server did not accept the e-mail." in text(answer)
    assert tenant.invitations.count() == 1


def test_new_password_and_new_address_are_answered_too(editor: Client, people: People, silent: Silent) -> None:
    typed = {"email-email": "other@jansen.example", "email-password": factories.PASSWORD}
    changed = editor.post("/account/email/", typed, follow=True)
    asked = Client().post("/login/password/", {"email": "eddy@jansen.example"})

    assert not silent.left.is_set()
    assert "The e-mail could not be sent." in text(changed)
    assert asked.status_code == 302
