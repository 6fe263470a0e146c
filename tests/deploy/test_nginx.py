"""The configuration of nginx: its limits fit those of the code, and nginx accepts it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from devservers import ports
from devservers.places import CHECKOUT
from kingsync import log_lines
from tests import patience
from tests.integrations.test_transport_tls import certificate

CONFIGURATION = CHECKOUT / "deploy" / "nginx" / "kingsync.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def _value(directive: str) -> str:
    found: str
    [found] = set(re.findall(rf"^\s*{directive} ([^;]+);", CONFIGURATION.read_text(), flags=re.MULTILINE))
    return found


def test_the_largest_upload_reaches_us_and_is_refused_by_us_if_it_is_too_large() -> None:
    megabytes = int(_value("client_max_body_size").removesuffix("m"))

    assert megabytes > settings.KING_XML_REQUEST_MB * 1.05  # what a form adds


def test_what_we_trust_of_the_proxy_is_set_by_it() -> None:
    text = CONFIGURATION.read_text()

    assert settings.SECURE_PROXY_SSL_HEADER == ("HTTP_X_FORWARDED_PROTO", "https")
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in text
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in text


def test_links_that_our_own_log_masks_are_masked_in_the_log_of_nginx() -> None:
    [pattern] = re.findall(r"~\^\((.*)\) \$1\*\*\*;", CONFIGURATION.read_text())
    of_nginx, ours = set(pattern.split("|")), log_lines.LINKS.pattern

    ours = ours[1 : ours.index(")")]
    assert {part.replace("[^/]+", "[^/\\s]+") for part in of_nginx} == set(ours.split("|"))


def test_it_is_the_server_of_the_units() -> None:
    unit = (CHECKOUT / "deploy" / "systemd" / "kingsync-web.service").read_text()
    address = re.search(r"server (\S+):(\d+);", CONFIGURATION.read_text())

    assert address
    assert f"--host {address.group(1)} --port {address.group(2)} " in unit


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed: its configuration is not tried")
def test_nginx_accepts_the_configuration(tmp_path: Path) -> None:
    certificate(tmp_path)
    text = re.sub(r"/etc/ssl/kingsync/\w+\.pem", f"{tmp_path}/server.pem", CONFIGURATION.read_text())
    text = re.sub(r"^ +listen \[::\].*\n", "", text, flags=re.MULTILINE)  # where the machine has no IPv6
    for usual in ("80", "443"):  # only root may open these
        text = text.replace(f"listen {usual}", f"listen {ports.HOST}:{ports.free_port()}")
    (tmp_path / "site.conf").write_text(text.replace("/var/log/nginx", str(tmp_path)))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} http {{ include {tmp_path}/site.conf; "
        + "".join(
            f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + "}"
    )

    done = subprocess.run(
        [str(NGINX), "-t", "-q", "-e", str(tmp_path / "early.log"), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience.SECONDS,
    )

    refused = [line for line in done.stderr.splitlines() if "[warn]" not in line]
    assert (done.returncode, refused) == (0, [])
