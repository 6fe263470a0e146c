"""The transport and certificates: self-signed ones are common with King."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations import deadlines, errors, sockets
from integrations.addresses import AddressPolicy
from integrations.calls import Operation
from integrations.transport import Transport
from tests.contract.http_stub import WRITE, HttpStub
from tests.contract.socket_server import SocketServer, answer, hangs, says


def certificate(folder: Path, *, address: str = "127.0.0.1", host: str = "") -> tuple[ssl.SSLContext, str]:
    """Return a server's TLS settings with a new self-signed certificate for the address or host, and its PEM."""
    of = x509.DNSName(host) if host else x509.IPAddress(ipaddress.ip_address(address))
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "King")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([of]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, pem.decode()


@pytest.fixture
def lines() -> Iterator[list[HttpStub]]:
    """Provide a list whose items are closed afterwards."""
    made: list[HttpStub] = []
    yield made
    for line in made:
        line.transport.close()


def test_unknown_certificate_is_not_trusted_and_nothing_is_sent(tmp_path: Path, lines: list[HttpStub]) -> None:
    context, _ = certificate(tmp_path)
    lines.append(HttpStub())
    with SocketServer(says(answer(b"ok")), tls=context) as wire, pytest.raises(errors.UnreachableError) as caught:
        lines[0].send(WRITE, wire.url)

    assert caught.value.reason == "certificate"
    assert wire.requests == []


def test_certificate_that_the_tenant_uploaded_is_trusted(tmp_path: Path, lines: list[HttpStub]) -> None:
    context, pem = certificate(tmp_path)
    lines.append(HttpStub(ca_certificate=pem))
    with SocketServer(says(answer(b"ok")), tls=context) as wire:
        assert lines[0].send(WRITE, wire.url) == b"ok"


def test_uploaded_certificate_of_another_host_is_not_trusted(tmp_path: Path, lines: list[HttpStub]) -> None:
    context, pem = certificate(tmp_path, address="127.0.0.9")
    lines.append(HttpStub(ca_certificate=pem))
    with SocketServer(says(answer(b"ok")), tls=context) as wire, pytest.raises(errors.UnreachableError) as caught:
        lines[0].send(WRITE, wire.url)

    assert caught.value.reason == "certificate"


def test_checking_can_be_switched_off(tmp_path: Path, lines: list[HttpStub]) -> None:
    context, _ = certificate(tmp_path, address="127.0.0.9")
    lines.append(HttpStub(verify=False))
    with SocketServer(says(answer(b"1"), answer(b"2")), tls=context) as wire:
        assert [lines[0].send(WRITE, wire.url) for _ in range(2)] == [b"1", b"2"]


def test_what_is_too_late_when_its_bytes_go_out_is_not_sent(
    tmp_path: Path, lines: list[HttpStub], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, pem = certificate(tmp_path)
    lines.append(HttpStub(ca_certificate=pem))
    frozen_for, usual = 0.0, sockets.LimitedTlsSocket.send

    def frozen_before(to: sockets.LimitedTlsSocket, *arguments: Any) -> int:
        nonlocal frozen_for
        frozen_for = 1000.0
        return usual(to, *arguments)

    monkeypatch.setattr(deadlines, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + frozen_for))
    monkeypatch.setattr(sockets.LimitedTlsSocket, "send", frozen_before)
    monkeypatch.setattr(sockets, "seconds_left", lambda _longest=None: 60.0)  # the call's own time is not what ends it
    too_late = pytest.raises(errors.UnreachableError)
    with SocketServer(says(answer(b"ok")), tls=context) as wire, too_late as caught, deadlines.begun_within(500.0):
        lines[0].send(WRITE, wire.url)

    assert caught.value.reason == "begun_late"
    assert wire.requests == []


def test_certificate_that_cannot_be_read_is_a_matter_of_settings() -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        Transport("king", policy=AddressPolicy(), ca_certificate="-----BEGIN CERTIFICATE-----\nnonsense")

    assert "certificate" in str(caught.value)


def test_plain_server_behind_an_https_address_got_nothing(lines: list[HttpStub]) -> None:
    lines.append(HttpStub())
    with (
        SocketServer(lambda _, connection: connection.sendall(answer(b""))) as wire,
        pytest.raises(errors.UnreachableError),
    ):
        lines[0].send(WRITE, wire.url.replace("http:", "https:"))


def test_handshake_that_hangs_means_nothing_was_sent(lines: list[HttpStub]) -> None:
    lines.append(HttpStub())
    operation = Operation(name="Schrijven", method="POST", is_write=True, connect_timeout=0.3)
    with SocketServer(hangs()) as wire, pytest.raises(errors.UnreachableError) as caught:
        lines[0].send(operation, wire.url.replace("http:", "https:"))

    assert caught.value.reason == "timeout"
