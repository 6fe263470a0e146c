"""Which addresses a connection may use."""

from __future__ import annotations

import pytest

from integrations import errors
from integrations.addresses import AddressPolicy

STRICT = AddressPolicy()


def is_allowed(policy: AddressPolicy, url: str) -> bool:
    try:
        policy.check_url(url)
    except errors.ConfigurationError:
        return False
    return True


@pytest.mark.parametrize(
    "url",
    [
        "https://app.out-smart.com/openapi/8",
        "https://king.example:8082",
        "https://8.8.8.8/",
        "https://[2001:4860::8]/x",
    ],
)
def test_public_https_address_is_fine(url: str) -> None:
    assert is_allowed(STRICT, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://king.example:8080",
        "ftp://king.example",
        "king.example",
        "",
        "https://",
        "https://user@king.example",
        "https://user:word@king.example",
        "https://king.example/#part",
        "https://king.example/?a=1",
        "https://king.example\\@other.example",
        "https://king .example",
        "https://king.example:0",
        "https://king.example:99999",
        "https://[::1",
        "https://127.0.0.1",
        "https://10.1.2.3",
        "https://192.168.1.1",
        "https://172.16.0.1",
        "https://169.254.169.254",
        "https://100.64.0.1",
        "https://0.0.0.0",
        "https://224.0.0.1",
        "https://240.0.0.1",
        "https://[::1]",
        "https://[::]",
        "https://[fe80::1]",
        "https://[fd00::1]",
        "https://[ff02::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[::ffff:10.0.0.1]",
        "https://[64:ff9b::7f00:1]",
        "https://[2002:7f00:1::]",
    ],
)
def test_address_into_our_own_network_or_in_clear_text_is_refused(url: str) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        STRICT.check_url(url, system="king")

    assert caught.value.reason == "forbidden_address"
    assert caught.value.system == "king"


def test_refusal_does_not_repeat_the_address() -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        STRICT.check_url("https://user:very-secret@king.example")

    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "localhost", "LOCALHOST."])
def test_private_host_that_is_named_may_be_plain_http(entry: str) -> None:
    host = "localhost" if "local" in entry.lower() else "127.0.0.1"

    assert is_allowed(AddressPolicy(private_hosts=(entry,)), f"http://{host}:8080")
    assert not is_allowed(STRICT, f"http://{host}:8080")


def test_plain_http_can_be_allowed_without_private_addresses() -> None:
    policy = AddressPolicy(plain_http=True)

    policy.check_url("http://king.example:8080")
    with pytest.raises(errors.ConfigurationError):
        policy.check_url("http://10.0.0.5:8080")


@pytest.mark.parametrize(
    ("policy", "host", "address", "expected"),
    [
        (STRICT, "king.example", "8.8.8.8", True),
        (STRICT, "king.example", "10.0.0.5", False),
        (STRICT, "king.example", "::ffff:10.0.0.5", False),
        (AddressPolicy(("10.0.0.0/8",)), "king.example", "10.0.0.5", True),
        (AddressPolicy(("10.0.0.0/8",)), "king.example", "::ffff:10.0.0.5", True),
        (AddressPolicy(("10.0.0.0/8",)), "king.example", "127.0.0.1", False),
        (AddressPolicy(("king.example",)), "King.Example.", "10.0.0.5", True),
        (AddressPolicy(("king.example",)), "other.example", "10.0.0.5", False),
        (AddressPolicy(("::1",)), "king.example", "::1", True),
    ],
)
def test_what_a_name_resolves_to_is_judged_too(policy: AddressPolicy, host: str, address: str, expected: bool) -> None:
    assert policy.allows(host=host, address=address) is expected
