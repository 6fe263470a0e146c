"""What docs/security.md claims of the code and its settings as a whole, where no other test has it as its subject."""

from __future__ import annotations

import base64
import inspect
import io
import logging
import re
import ssl
from pathlib import Path

import certifi
import pytest
from django.conf import global_settings, settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from devservers.places import CHECKOUT
from integrations import connections
from kingsync import settings as deployment
from kingsync.celery import app
from kingsync.log_lines import LineFormatter
from kingsync.models import encryption

# PBKDF2 with SHA-256, by OWASP's present advice.
LEAST_ROUNDS = 600_000


def _lines_with(pattern: str, *globs: str) -> list[str]:
    files = [path for each in globs for path in CHECKOUT.glob(each)]
    assert len(files) > 3
    return [str(path.relative_to(CHECKOUT)) for path in files if re.search(pattern, path.read_text())]


def test_no_template_or_view_switches_escaping_off() -> None:
    pattern = r"\|\s*safe\b|autoescape off|mark_safe\(|SafeString\(|html_safe"

    assert _lines_with(pattern, "templates/**/*.html", "kingsync/**/*.py") == []


def test_no_script_makes_html_of_text() -> None:
    pattern = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|localStorage|"
        r"sessionStorage|indexedDB|document\.cookie|addEventListener\([\"']message"
    )

    assert _lines_with(pattern, "static/**/*.js") == []
    # What our own page asks the browser to sign.
    assert _lines_with(r"JSON\.parse", "static/**/*.js") == ["static/accounts/passkeys.js"]


def test_messages_and_sessions_are_json() -> None:
    assert settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"
    assert (app.conf.task_serializer, list(app.conf.accept_content)) == ("json", ["json"])


def test_uploads_are_kept_outside_what_is_served() -> None:
    served = [Path(settings.STATIC_ROOT), *map(Path, settings.STATICFILES_DIRS)]

    assert settings.MEDIA_ROOT == ""
    assert [folder for folder in served if Path(settings.KING_XML_FOLDER).is_relative_to(folder)] == []


def test_passwords_are_hashed_slowly() -> None:
    assert "PASSWORD_HASHERS" not in inspect.getsource(deployment)
    usual = global_settings.PASSWORD_HASHERS[0]

    assert usual.endswith(".PBKDF2PasswordHasher")
    assert PBKDF2PasswordHasher.iterations >= LEAST_ROUNDS


def test_a_stored_secret_is_authenticated() -> None:
    stored = encryption.encrypt({"token": "tok-7f3a"})
    token = bytearray(base64.urlsafe_b64decode(stored.removeprefix(encryption.PREFIX)))
    token[-40] ^= 1  # the last byte before the signature's

    assert encryption.decrypt(stored) == {"token": "tok-7f3a"}
    with pytest.raises(encryption.DecryptionError):
        encryption.decrypt(encryption.PREFIX + base64.urlsafe_b64encode(token).decode())


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("authority", ["", Path(certifi.where()).read_text()])
def test_calls_use_tls_1_2_or_later(verify: bool, authority: str) -> None:
    context = connections.tls_context(verify=verify, ca_certificate=authority, system="king")

    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_log_line_is_one_line_with_its_zone() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter())
    logger = logging.Logger("kingsync.test")
    logger.addHandler(handler)

    try:
        int("wrong\n2026-11-22T08:00:00+0100 INFO kingsync forged\n")
    except ValueError:
        logger.exception("order.failed: %s", "a\r\n2026-11-22T08:00:00+0100 INFO kingsync forged\x1b[2J")

    lines = written.getvalue().splitlines()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ERROR kingsync\.test order\.failed: a\\r\\n", lines[0])
    assert lines[0].endswith(r"forged\x1b[2J")
    assert all(line.startswith("    ") for line in lines[1:])


def test_the_log_of_every_part_has_that_form() -> None:
    assert {each["()"] for each in settings.LOGGING["formatters"].values()} == {"kingsync.log_lines.LineFormatter"}
