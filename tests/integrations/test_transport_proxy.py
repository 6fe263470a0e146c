"""Calls through an outgoing proxy: https in a tunnel, plain http by its whole address, own hosts directly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from integrations import errors, proxies
from integrations.addresses import AddressPolicy
from integrations.proxies import Proxy
from tests.contract.http_stub import READ, WRITE, HttpStub
from tests.contract.socket_server import SocketServer, answer, says
from tests.integrations.forward_proxy import ForwardProxy
from tests.integrations.test_transport_tls import certificate

HOST, PASSWORD = "king.example", "proxy-pass-81d3"
PUBLIC = AddressPolicy(plain_http=True)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def line(opened: ExitStack, proxy: ForwardProxy, *, user: str = "", ca_certificate: str = "") -> HttpStub:
    """Return a transport through the proxy."""
    made = HttpStub(
        PUBLIC, attempts=1, ca_certificate=ca_certificate, proxy=Proxy(f"http://{user}127.0.0.1:{proxy.port}")
    )
    opened.callback(made.transport.close)
    return made


def test_https_goes_through_a_tunnel_that_the_proxy_cannot_read(opened: ExitStack, tmp_path: Path) -> None:
    tls, pem = certificate(tmp_path, host=HOST)
    king = opened.enter_context(SocketServer(says(answer(b"1"), answer(b"2")), tls=tls))
    proxy = opened.enter_context(ForwardProxy({HOST: king.port}, password=PASSWORD))
    through = line(opened, proxy, user=f"kingsync:{PASSWORD}@", ca_certificate=pem)

    answers = [through.send(WRITE, f"https://{HOST}:8082/call") for _number in range(2)]

    assert answers == [b"1", b"2"]
    assert [each.rpartition(" ")[0] for each in proxy.lines] == [f"CONNECT {HOST}:8082"]
    assert king.connections == 1  # kept open, as without a proxy
    assert not [request for request in king.requests if b"Proxy-" in request]


def test_plain_http_names_the_whole_address_to_the_proxy(opened: ExitStack) -> None:
    king = opened.enter_context(SocketServer(says(answer(b"ok"))))
    proxy = opened.enter_context(ForwardProxy({HOST: king.port}, password=PASSWORD))

    received = line(opened, proxy, user=f"kingsync:{PASSWORD}@").send(WRITE, f"http://{HOST}:8082/call")

    assert received == b"ok"
    assert proxy.lines == [f"POST http://{HOST}:8082/call HTTP/1.1"]


def test_certificate_is_still_checked_against_the_name(opened: ExitStack, tmp_path: Path) -> None:
    tls, pem = certificate(tmp_path, host="other.example")
    king = opened.enter_context(SocketServer(says(answer(b"ok")), tls=tls))
    proxy = opened.enter_context(ForwardProxy({HOST: king.port}))

    with pytest.raises(errors.UnreachableError) as caught:
        line(opened, proxy, ca_certificate=pem).send(WRITE, f"https://{HOST}/call")

    assert caught.value.reason == "certificate"
    assert king.requests == []


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("user", ["", "kingsync:wrong-pass@"])
def test_proxy_that_wants_another_password_sent_nothing_on(opened: ExitStack, scheme: str, user: str) -> None:
    king = opened.enter_context(SocketServer(says(answer(b"ok"))))
    proxy = opened.enter_context(ForwardProxy({HOST: king.port}, password=PASSWORD))

    with pytest.raises(errors.UnreachableError) as caught:
        line(opened, proxy, user=user).send(WRITE, f"{scheme}://{HOST}/call")

    assert (caught.value.reason, king.requests) == ("proxy", [])
    assert "wrong-pass" not in repr(caught.value) + str(caught.value)


def test_host_that_the_proxy_cannot_reach(opened: ExitStack) -> None:
    proxy = opened.enter_context(ForwardProxy({}))

    with pytest.raises(errors.UnreachableError) as caught:
        line(opened, proxy).send(WRITE, f"https://{HOST}/call")
    with pytest.raises(errors.OutcomeUnknownError):  # plain http: a proxy's 502 may come after the order was made
        line(opened, proxy).send(WRITE, f"http://{HOST}/call")

    assert caught.value.reason == "proxy"


def test_proxy_that_is_away_means_nothing_was_sent(opened: ExitStack) -> None:
    with ForwardProxy({}) as gone:
        pass

    for scheme in ("https", "http"):
        with pytest.raises(errors.UnreachableError) as caught:
            line(opened, gone).send(WRITE, f"{scheme}://{HOST}/call")
        assert caught.value.reason == "proxy"


FORBIDDEN = ["127.0.0.1", "10.0.0.7", "[::1]", "localhost", "postgres", "king.local", "db.internal", "127.1", "0x7f.1"]


@pytest.mark.parametrize("host", FORBIDDEN)
def test_proxy_is_not_asked_for_a_private_host(opened: ExitStack, host: str) -> None:
    proxy = opened.enter_context(ForwardProxy({}))

    with pytest.raises(errors.ConfigurationError) as caught:
        line(opened, proxy).send(READ, f"https://{host}/call")

    assert (caught.value.reason, proxy.lines) == ("forbidden_address", [])


def test_host_that_the_operator_lists_is_called_directly(opened: ExitStack) -> None:
    king = opened.enter_context(SocketServer(says(answer(b"ok"))))
    proxy = opened.enter_context(ForwardProxy({}))
    direct = HttpStub(AddressPolicy(("127.0.0.1",)), proxy=Proxy(f"http://127.0.0.1:{proxy.port}"))
    opened.callback(direct.transport.close)

    assert (direct.send(WRITE, king.url), proxy.lines) == (b"ok", [])


def test_proxy_of_the_environment_is_not_obeyed(opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    king = opened.enter_context(SocketServer(says(answer(b"ok"))))
    proxy = opened.enter_context(ForwardProxy({}))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    plain = HttpStub()
    opened.callback(plain.transport.close)

    assert (plain.send(WRITE, king.url), proxy.lines) == (b"ok", [])


def test_password_is_masked_in_what_is_logged(opened: ExitStack) -> None:
    king = opened.enter_context(SocketServer(says(answer(f"the proxy's {PASSWORD}".encode()))))
    proxy = opened.enter_context(ForwardProxy({HOST: king.port}, password=PASSWORD))
    through = line(opened, proxy, user=f"kingsync:{PASSWORD}@")

    through.send(WRITE, f"http://{HOST}/call")

    assert through.calls[0].answer == "the proxy's ***"
    assert PASSWORD not in repr(through.calls) + repr(Proxy(f"http://kingsync:{PASSWORD}@{HOST}:1"))


UNUSABLE = [
    "u:hush@proxy.example:3128",
    "https://u:hush@proxy.example:1",
    "http://u:hush@proxy.example",
    "http://u:hush@p:x",
    "http://u:hush@p:1/path",
    "socks5://u:hush@p:1",
]


@pytest.mark.parametrize("url", UNUSABLE)
def test_unusable_setting_is_named_without_its_text(url: str) -> None:
    problem = proxies.problem_of(url)

    assert problem
    assert "hush" not in problem


def test_password_may_hold_any_sign_percent_encoded() -> None:
    proxy = Proxy("http://u:p%40ss@10.0.0.1:3128/")

    assert proxies.problem_of(proxy.url) == ""
    assert proxy.authorization == "Basic dTpwQHNz"
    assert set(proxy.secrets) == {"p%40ss", "p@ss", "dTpwQHNz"}
