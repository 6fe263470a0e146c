"""The pages as a browser reaches them: name, certificate, proxy, allowed names, and which version answers."""

from __future__ import annotations

import datetime
import http.client
import json
import socket
import ssl
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from kingsync import __version__
from kingsync.upkeep.doctor.checks import Finding, ok, warning, wrong

SECONDS = 5.0
PATH = "/health?part=web"
RENEW_WITHIN = datetime.timedelta(days=10)
AWAY, WELL, REFUSED = 503, 200, 400


def pages() -> list[Finding]:
    """Ask for /health at the address of the pages; from some machines that address cannot be reached."""
    if settings.IS_DEVELOPMENT:
        return [ok("not asked on a development machine")]
    try:
        return _asked(settings.SITE_URL)
    except (OSError, http.client.HTTPException) as error:
        return [_unreached(error, settings.SITE_URL)]


def _unreached(error: Exception, address: str) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        todo = "Renew it, with its whole chain, or make your own authority known to this machine."
        return wrong(f"the certificate is refused: {error.verify_message}", todo)
    if isinstance(error, ssl.SSLError):
        return wrong(f"no https at this address ({error.reason})", "Let the proxy do TLS there.")
    if isinstance(error, socket.gaierror):
        todo = "Correct SITE_URL and ALLOWED_HOSTS, or make the name known (DNS)."
        return wrong(f"{address} is a name without an address", todo)
    if isinstance(error, ConnectionRefusedError):
        return wrong(f"nothing listens at {address}", "Start the proxy in front, or correct the address.")
    todo = "Look at the proxy in front. Where this machine has no way to it, ask /health from elsewhere."
    return warning(f"{address} cannot be reached from here ({type(error).__name__})", todo)


def _asked(address: str) -> list[Finding]:
    url = urlsplit(address)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    session = kind(url.hostname or "", url.port, timeout=SECONDS)
    try:
        session.connect()
        found = _of_certificate(session.sock)
        session.request("GET", url.path.rstrip("/") + PATH)
        answer = session.getresponse()
        return [*_of_answer(answer.status, answer.read(4096)), *found]
    finally:
        session.close()


def _of_certificate(connection: socket.socket | None) -> list[Finding]:
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    if not certificate:
        return []
    seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    end = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    if end - timezone.now() > RENEW_WITHIN:
        return []
    return [warning(f"the certificate ends on {end:%Y-%m-%d}", "Renew it; look at the timer that should have.")]


def _of_answer(status: int, body: bytes) -> list[Finding]:
    if status in (WELL, AWAY):
        return _of_version(body)
    if status == REFUSED:
        todo = "Put the host name of SITE_URL into ALLOWED_HOSTS, and let the proxy pass it on as Host."
        return [wrong("the host name is refused (400)", todo)]
    return [wrong(f"/health answers {status}", "Start web, and compare the proxy with deploy/nginx/kingsync.conf.")]


def _of_version(body: bytes) -> list[Finding]:
    try:
        version = json.loads(body)["version"]
    except (ValueError, KeyError, TypeError):
        return [wrong("something else answers there", "Compare SITE_URL with the proxy in front of web.")]
    if version != __version__:
        return [
            warning(f"kingsync {version} answers, this is {__version__}", "Restart the parts of the other version.")
        ]
    return [ok(f"answer at {settings.SITE_URL}")]
