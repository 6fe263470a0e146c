"""OutSmart's OpenAPI, version 8, as a real HTTP server (outsmart.md, chapter 6)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from sandboxes.base import Sandbox
from sandboxes.control import Route
from sandboxes.faults import HTML_PAGE, Fault
from sandboxes.messages import (
    Answer,
    ControlError,
    Record,
    Request,
    control_object,
    control_value,
    html_answer,
)
from sandboxes.outsmart.api import Api, Behaviour
from sandboxes.outsmart.notation import RefusalError, envelope
from sandboxes.outsmart.page import outsmart_page
from sandboxes.outsmart.store import OutSmartStore, Size

BASE_PATH = "/openapi/8"


class OutSmartSandbox(Sandbox):
    """One account behind OutSmart's OpenAPI. `behaviour` holds the switches (see Behaviour)."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 1,
        token: str = "sandbox-token",  # noqa: S107 - public: nothing here is real
        software_token: str = "sandbox-software-token",  # noqa: S107 - public: nothing here is real
        empty: bool = False,
        state: Path | None = None,
        work_orders: int = 25,
    ) -> None:
        super().__init__(port=port, state=state)
        self.token = token
        self.software_token = software_token
        self.behaviour = Behaviour()
        self._size = Size(seed=seed, work_orders=work_orders, empty=empty)
        self.store = OutSmartStore(self._size)

    @property
    def base_url(self) -> str:
        """The address that a connection to OutSmart needs."""
        return self.address + BASE_PATH

    # --- the OpenAPI -------------------------------------------------------------------------------------------------

    def operation_of(self, request: Request) -> str:
        """Return the name of the endpoint."""
        return request.path.removeprefix(BASE_PATH).strip("/")

    def handle(self, request: Request) -> Answer:
        """Carry out one call; refusals are HTTP 200 with another code."""
        if request.path.rstrip("/") != BASE_PATH and not request.path.startswith(f"{BASE_PATH}/"):
            return html_answer(HTML_PAGE, status=404)
        try:
            with self.store.lock:
                return Answer(body=envelope(self._admitted(request)(request)))
        except RefusalError as refusal:
            return _refused(refusal)

    def _admitted(self, request: Request) -> Callable[[Request], bytes]:
        name = self.operation_of(request)
        if self.behaviour.require_https and request.headers.get("x-forwarded-proto") != "https":
            raise RefusalError(1006, "Use HTTPS")
        if not name:
            raise RefusalError(1000, "No endpoint given")
        endpoint = Api(self.store, self.behaviour).endpoint(request.method, name)
        if endpoint is None:
            raise RefusalError(1001, "Unknown endpoint")
        self._authenticate(request)
        return endpoint

    def _authenticate(self, request: Request) -> None:
        token, software_token = request.parameter("token"), request.parameter("software_token")
        if not token:
            raise RefusalError(1002, "No token given")
        if not software_token:
            raise RefusalError(1003, "No software token given")
        bearer = self.behaviour.bearer_token
        if token != self.token or (bearer and request.headers.get("authorization") != f"Bearer {bearer}"):
            raise RefusalError(1004, "Token not allowed")
        if software_token != self.software_token:
            raise RefusalError(1005, "Software token not allowed")

    # --- faults ------------------------------------------------------------------------------------------------------

    def refuse(self, code: str, message: str) -> Answer:
        """Return a refusal in OutSmart's envelope."""
        return _refused(RefusalError(int(code), *([message] if message else [])))

    def unauthorized(self) -> Answer:
        """Return the answer to a wrong token."""
        return self.refuse("1004", "Token not allowed")

    def check_fault(self, fault: Fault) -> None:
        """Raise ControlError for what OutSmart does not have: locks, and codes that are not numbers."""
        super().check_fault(fault)
        if fault.kind == "lock_by_user":
            raise ControlError(400, "OutSmart has no locks.")
        if fault.kind == "refuse" and not fault.code.isdigit():
            raise ControlError(400, "OutSmart's codes are numbers.")

    # --- control -----------------------------------------------------------------------------------------------------

    def own_routes(self) -> list[Route]:
        """Return the control routes of OutSmart."""
        store = self.store
        return [
            Route("GET", "state", lambda _request, _parts: store.state()),
            Route("GET", "duplicates", lambda _request, _parts: store.duplicates()),
            Route("GET", "records/{entity}", lambda _request, parts: {"records": store.rows(parts["entity"])}),
            Route("GET", "work-orders", lambda _request, _parts: {"work_orders": store.all_work_orders()}),
            Route("POST", "work-orders", self._load_work_orders),
            Route("GET", "work-orders/{id}", lambda _request, parts: store.work_order(parts["id"])),
            Route("POST", "work-orders/{id}", self._edit_work_order),
            Route("DELETE", "work-orders/{id}", self._delete_work_order),
        ]

    def _load_work_orders(self, request: Request, _parts: dict[str, str]) -> object:
        return {"ids": self.store.load_work_orders(control_value(request))}

    def _edit_work_order(self, request: Request, parts: dict[str, str]) -> object:
        return self.store.edit_work_order(parts["id"], control_object(request))

    def _delete_work_order(self, _request: Request, parts: dict[str, str]) -> object:
        self.store.delete_work_order(parts["id"])
        return {"done": True}

    def switches(self) -> Record:
        """Return how OutSmart behaves now; a required bearer token is masked."""
        return {**msgspec.structs.asdict(self.behaviour), "bearer_token": "***" if self.behaviour.bearer_token else ""}

    def change_switches(self, switches: Record) -> None:
        """Change how OutSmart behaves."""
        merged = {**msgspec.structs.asdict(self.behaviour), **switches}
        self.behaviour = msgspec.convert(merged, Behaviour, strict=False)

    def reset(self, options: Record) -> None:
        """Restore the seeded data and the default behaviour; `options` may give another size."""
        self._size = msgspec.convert({**msgspec.structs.asdict(self._size), **options}, Size)
        self.behaviour = Behaviour()
        self.store.reset(self._size)

    def dump(self) -> bytes:
        """Return the data as a state file holds it."""
        return self.store.dump()

    def load(self, content: bytes) -> None:
        """Replace the data with that of a state file."""
        self.store.load(content)
        self._size = self.store.size

    def index_page(self) -> str:
        """Return the page for people."""
        return outsmart_page(self.store)


def _refused(refusal: RefusalError) -> Answer:
    return Answer(body=envelope(b"null", code=refusal.code, messages=refusal.messages))
