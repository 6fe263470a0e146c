"""Callers of the sandboxes that share no code with our own clients: plain http.client."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import msgspec

from sandboxes.base import Sandbox
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import patience


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


class Caller:
    """One kept-alive connection to a sandbox."""

    def __init__(self, sandbox: Sandbox, *, timeout: float = patience.SECONDS) -> None:
        url = urlsplit(sandbox.address)
        self._connection = http.client.HTTPConnection(str(url.hostname), url.port or 0, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Reply:
        """Send a request; a body that is not bytes becomes JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, data, headers or {})
            answer = self._connection.getresponse()
            return Reply(answer.status, dict(answer.headers), answer.read())
        except Exception:
            self._connection.close()
            raise

    def control(self, method: str, name: str, body: object = None) -> Any:
        """Make a control call that must succeed."""
        reply = self.send(method, f"/_control/{name}", body)
        assert reply.status == 200, reply.body
        return reply.json()


class KingCaller(Caller):
    """Calls webservices of one administration with one access code."""

    def __init__(
        self,
        sandbox: KingSandbox,
        *,
        code: str | None = None,
        administration: str = "",
        timeout: float = patience.SECONDS,
    ) -> None:
        super().__init__(sandbox, timeout=timeout)
        self._path = f"/{administration or sandbox.administration}"
        self._code = sandbox.access_code if code is None else code

    def post(self, operation: str, fields: object) -> Reply:
        """Call a webservice."""
        headers = {"ACCESS-TOKEN": self._code, "Content-Type": "application/json; charset=utf-8"}
        return self.send("POST", f"{self._path}/{operation}", fields, headers)

    def call(self, operation: str, **fields: object) -> dict[str, Any]:
        """Call a webservice that answers 200; return the one element of the list."""
        reply = self.post(operation, fields)
        assert reply.status == 200, reply.body
        (element,) = reply.json()
        assert isinstance(element, dict)
        return element

    def refusal(self, operation: str, **fields: object) -> str:
        """Call a webservice that must refuse; return the code."""
        element = self.call(operation, **fields)
        assert element["Status"] == 1
        assert element["FoutMelding"]
        return str(element["FoutCode"])

    def new_order(self, **fields: object) -> int:
        """Add an order; return its number."""
        element = self.call("Order_Toevoegen", **{"DebiteurNummer": 11001, **fields})
        assert element["Status"] == 0, element
        return int(element["OrderNummer"])

    def new_line(self, order: int, **fields: object) -> int:
        """Add a line; return its id."""
        element = self.call("Order_OrderRegel_Toevoegen", OrderNummer=order, **fields)
        assert element["Status"] == 0, element
        return int(element["RegelID"])

    def read_order(self, number: int) -> dict[str, Any]:
        """Read one open order."""
        (order,) = self.call("Orders_Opvragen", OrderNummer=number)["Orders"]
        assert isinstance(order, dict)
        return order


class OutSmartCaller(Caller):
    """Calls endpoints with the query pair."""

    def __init__(self, sandbox: OutSmartSandbox, *, timeout: float = patience.SECONDS) -> None:
        super().__init__(sandbox, timeout=timeout)
        self._pair = [("token", sandbox.token), ("software_token", sandbox.software_token)]

    def get(self, endpoint: str, *more: tuple[str, str], **query: str) -> dict[str, Any]:
        """GET an endpoint; return the envelope."""
        return self._enveloped(self.send("GET", self._path(endpoint, *more, *query.items())))

    def post(self, endpoint: str, body: object, **query: str) -> dict[str, Any]:
        """POST to an endpoint; return the envelope."""
        return self._enveloped(self.send("POST", self._path(endpoint, *query.items()), body))

    def work_order(self, key: str) -> dict[str, Any]:
        """Read a work order without changing it."""
        response = self.get("GetWorkorder", row_id=key, update_status="false")["response"]
        assert isinstance(response, dict)
        return response

    def _path(self, endpoint: str, *query: tuple[str, str]) -> str:
        return f"/openapi/8/{endpoint}?{urlencode([*self._pair, *query])}"

    @staticmethod
    def _enveloped(reply: Reply) -> dict[str, Any]:
        envelope = reply.json()
        assert reply.status == 200
        assert list(envelope) == ["code", "messages", "response"]
        assert isinstance(envelope, dict)
        return envelope
