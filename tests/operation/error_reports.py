"""A process as it is deployed, with an error tracker, in which everything breaks while secrets are in memory.

Started by `test_error_tracking.py`, which reads what the error tracker received. The secrets come from the environment.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import threading
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import quote

import django
import sentry_sdk
from django.contrib.auth import get_user_model
from django.test import Client as Browser

from integrations.addresses import AddressPolicy
from integrations.calls import Answer, Operation
from integrations.errors import IntegrationError
from integrations.outsmart.client import Client
from integrations.transport import Transport

PLANTED: dict[str, str] = json.loads(os.environ["PLANTED"])


class OddError(Exception):
    """An exception with a secret in its text."""


def pages() -> None:
    """Request pages with secrets wherever a browser sends them; there is no database, so each of them breaks."""
    headers: dict[str, Any] = {
        "HTTP_AUTHORIZATION": f"Bearer {PLANTED['bearer']}",
        "HTTP_REFERER": f"https://kingsync.example/?token={PLANTED['token']}",
        "HTTP_BAGGAGE": f"sentry-environment={PLANTED['token']}",
        "HTTP_SENTRY_TRACE": "771a43a4192642f0b136d5159a501700-7771a43a41926421-1",
    }
    browser = Browser(raise_request_exception=False, HTTP_HOST="kingsync.example", **headers)
    browser.cookies["sessionid"] = PLANTED["session"]
    browser.cookies["csrftoken"] = PLANTED["csrf"]
    sent = {"username": PLANTED["name"], "password": PLANTED["password"], "csrfmiddlewaretoken": PLANTED["csrf"]}
    link = quote(PLANTED["invitation"].replace("/", ""), safe="")
    asks: tuple[Callable[[], object], ...] = (
        lambda: browser.post("/login/", sent, secure=True),
        lambda: browser.post("/login/second-step/", {"token": PLANTED["totp"]}, secure=True),
        lambda: browser.get(f"/invitation/{link}/", secure=True),
        lambda: browser.get(f"/login/password/MQ/{link}/", secure=True),
        lambda: browser.get(f"/t/{link}/settings/?token={link}", secure=True),
        lambda: browser.post("/t/jansen/settings/", json.dumps(PLANTED), "application/json", secure=True),
    )
    for ask in asks:
        with contextlib.suppress(ValueError):  # the error page lacks the collected static files here
            ask()


def worker() -> None:
    """Run tasks whose messages contain secrets."""
    tasks = importlib.import_module("kingsync.tasks")
    tasks.run_sync.apply(kwargs={"run_id": PLANTED["token"], "tenant_id": PLANTED["access_code"]})
    tasks.run_sync.apply(args=(PLANTED["token"],), headers={"token": PLANTED["token"]})


def transport() -> None:
    """Call a system that exists and one that does not; then fail on the answer, all with tokens in memory."""
    policy = AddressPolicy(("127.0.0.1",))
    for address in (os.environ["ECHO_URL"], "http://127.0.0.1:1"):
        with Transport("outsmart", policy=policy, attempts=1) as way:
            client = Client(
                base_url=f"{address}/{PLANTED['token']}",
                token=PLANTED["token"],
                software_token=PLANTED["software_token"],
                bearer_token=PLANTED["bearer"],
                transport=way,
            )
            try:
                client.test_connection()
            except IntegrationError:
                logging.getLogger("kingsync.runs").exception("call failed with %s", PLANTED["token"])
            try:
                way.send(Operation(name="Odd"), f"{address}/", read=stumble, query=(("token", PLANTED["token"]),))
            except (OddError, IntegrationError) as error:
                sentry_sdk.capture_exception(error)


def stumble(answer: Answer | str) -> NoReturn:
    held = dict(PLANTED)  # a local variable
    try:
        _stumble(held["access_code"])
    except KeyError as error:
        error.add_note(held["token"])
        raise OddError(f"while {held['software_token']} {answer}") from error
    raise AssertionError


def _stumble(code: str) -> None:
    raise KeyError(code)


def elsewhere() -> None:
    """Break in a thread, in the log, in the tracker's scope, and in the database."""
    logging.getLogger(f"kingsync.{__name__}").error("%s and %s", PLANTED["token"], PLANTED["password"])
    logging.getLogger("other").error(f"made of {PLANTED['access_code']}")  # noqa: G004
    logging.getLogger("other").error("with more", extra={"token": PLANTED["token"]})
    logging.getLogger("other").warning("a crumb of %s", PLANTED["token"])
    threading.Thread(target=stumble, args=(PLANTED["token"],)).start()
    sentry_sdk.set_user({"id": PLANTED["name"], "token": PLANTED["token"]})
    sentry_sdk.set_tag("token", PLANTED["token"])
    sentry_sdk.set_context("more", dict(PLANTED))
    sentry_sdk.add_breadcrumb(message=PLANTED["token"], data=dict(PLANTED))
    sentry_sdk.capture_message(f"made of {PLANTED['password']}", level="error")
    with sentry_sdk.start_transaction(name=f"/x/{PLANTED['token']}", sampled=True) as span:
        span.set_data("http.query", PLANTED["token"])
    try:
        get_user_model().objects.get(email=PLANTED["name"], password=PLANTED["password"])
    except Exception:  # noqa: BLE001 - whatever it is, it is reported
        sentry_sdk.capture_exception()


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "kingsync.settings"
    django.setup()
    for part in (pages, worker, transport, elsewhere):
        part()
    sentry_sdk.flush(30)
    raise OddError(PLANTED["token"])
