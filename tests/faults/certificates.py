"""Servers' certificates for loopback: a good one, one that has expired, and one of nobody that the client trusts."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """TLS settings of a server by the kind of its certificate; `trusted` is what a tenant enters (PEM)."""

    contexts: dict[str, ssl.SSLContext]
    trusted: str


GOOD, EXPIRED, FOREIGN = "good", "expired", "foreign"


def made() -> Certificates:
    """Make all three; the expired one would be trusted if it had not expired."""
    good, expired, foreign = (_made(days) for days in ((-1, 365), (-30, -1), (-1, 365)))
    contexts = {GOOD: good[0], EXPIRED: expired[0], FOREIGN: foreign[0]}
    return Certificates(contexts, good[1] + expired[1])


def _made(days: tuple[int, int]) -> tuple[ssl.SSLContext, str]:
    """Return TLS settings with a new self-signed certificate, valid for these days from today, and its PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    first, last = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=each) for each in days)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(pem + secret)
        context.load_cert_chain(path)
    return context, pem.decode()
