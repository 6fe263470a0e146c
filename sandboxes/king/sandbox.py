"""King ERP's webservices as a real HTTP server (king.md)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sandboxes.base import Sandbox
from sandboxes.control import Route
from sandboxes.faults import Fault
from sandboxes.king.example_company import example_company
from sandboxes.king.fields import OPERATIONS, RefusalError, clean
from sandboxes.king.page import king_page
from sandboxes.king.store import Edit, KingStore, Size
from sandboxes.messages import (
    Answer,
    ControlError,
    Record,
    Request,
    control_object,
    decode,
    encode,
    json_answer,
)

CALLER = "webservice"
KING_USER = "AUKE"
READS = {
    "Debiteuren_Opvragen": ("debtor", "Debiteuren"),
    "Artikelen_Opvragen": ("article", "Artikelen"),
    "Tarieven_Opvragen": ("rate", "Tarieven"),
    "Magazijnen_Opvragen": ("warehouse", "Magazijnen"),
    "Orders_Opvragen": ("order", "Orders"),
}


class _Switches(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    access_code: str | None = None
    access_codes: dict[str, str] | None = None
    other_callers: dict[str, str] | None = None


class _Lock(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    number: int = msgspec.field(name="OrderNummer")
    user: str = KING_USER


class _HttpError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = json_answer([{"ErrorCode": code, "Error": message}], status=status)


class KingSandbox(Sandbox):
    """One administration behind King's webservices, and those that `add_administration` puts beside it.

    `access_codes` holds an access code per operation; `other_callers` holds further codes that
    are valid for every operation, with the name under which they lock orders. All codes of
    `access_code` and `access_codes` are one caller: one customer's software.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 1,
        records: int = 300,
        administration: str = "DEMO01",
        access_code: str = "sandbox-access-code",
        empty: bool = False,
        state: Path | None = None,
        debtors: int = 40,
    ) -> None:
        super().__init__(port=port, state=state)
        self.administration = administration
        self.access_code = access_code
        self.access_codes: dict[str, str] = {}
        self.other_callers: dict[str, str] = {}
        self._size = Size(seed=seed, records=records, debtors=debtors, empty=empty)
        self.store = KingStore(self._size)
        # Further administrations of this King, each with data of its own; no control route or state file has them.
        self._others: dict[str, KingStore] = {}

    def add_administration(self, name: str) -> KingStore:
        """Add an empty administration with the same access codes; return its data."""
        self._others[name] = KingStore(Size(seed=1, records=0, debtors=0, empty=True))
        return self._others[name]

    def _store_of(self, request: Request) -> KingStore | None:
        administration = request.path.strip("/").partition("/")[0]
        return self.store if administration == self.administration else self._others.get(administration)

    @property
    def base_url(self) -> str:
        """The address that a connection to King needs, besides the administration."""
        return self.address

    # --- the webservices ---------------------------------------------------------------------------------------------

    def operation_of(self, request: Request) -> str:
        """Return the name of the webservice that is called."""
        return request.path.rstrip("/").rpartition("/")[2]

    def handle(self, request: Request) -> Answer:
        """Carry out one webservice."""
        try:
            store, operation, caller = self._admitted(request)
            return self._carried_out(store, operation, _body_of(request), caller)
        except _HttpError as error:
            return error.answer
        except RefusalError as refusal:
            return self.refuse(refusal.code, refusal.message)

    def _admitted(self, request: Request) -> tuple[KingStore, str, str]:
        administration, _, operation = request.path.strip("/").partition("/")
        if request.method != "POST":
            raise _HttpError(405, "METHODE", "Webservices worden met POST aangeroepen.")
        store = self._store_of(request)
        if store is None:
            raise _HttpError(404, "ADMINISTRATIE", f"Administratie {administration} is niet bekend.")
        if operation not in OPERATIONS:
            raise _HttpError(404, "WEBSERVICE", f"Webservice {operation} bestaat niet.")
        caller = self._caller(operation, request.headers.get("access-token", ""))
        if caller is None:
            raise _HttpError(401, "TOEGANGSCODE", f"De toegangscode voor {operation} is niet juist.")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise _HttpError(415, "CONTENTTYPE", "Content-Type moet application/json zijn.")
        timeout = request.headers.get("sql-timeout")
        if timeout is not None and not (timeout.isascii() and timeout.isdigit()):
            raise _HttpError(400, "SQLTIMEOUT", "SQL-TIMEOUT moet een aantal seconden zijn.")
        return store, operation, caller

    def _caller(self, operation: str, code: str) -> str | None:
        if code and code == self.access_codes.get(operation, self.access_code):
            return CALLER
        return self.other_callers.get(code)

    def _carried_out(self, store: KingStore, operation: str, body: Record, caller: str) -> Answer:
        fields = clean(operation, body)
        if operation == "Webservice_Test":
            return self._tested(fields)
        if operation in READS:
            return self._page(store, operation, fields)
        with store.lock:
            return json_answer([{"Status": 0, **self._written(store, operation, fields, caller)}])

    def _tested(self, fields: Record) -> Answer:
        if fields.get("GeefFoutTerug"):
            raise RefusalError("TEST", "Er is om een foutmelding gevraagd.")
        return json_answer([{"Status": 0}])

    def _page(self, store: KingStore, operation: str, fields: Record) -> Answer:
        kind, name = READS[operation]
        page = store.page(kind, fields)
        records = b",".join(page.records)
        body = b'[{"Status":0,"%b":[%b],"VolgendeVanaf":%b}]' % (name.encode(), records, encode(page.next_after))
        return Answer(body=body)

    def _written(self, store: KingStore, operation: str, fields: Record, caller: str) -> Record:
        orders = store.orders
        match operation:
            case "Order_Toevoegen":
                return {"OrderNummer": orders.add(fields, caller).number}
            case "Order_Wijzigen":
                orders.change(fields, caller)
            case "Order_OrderRegel_Toevoegen":
                return {"RegelID": orders.add_line(fields, caller).line_id}
            case "Order_OrderRegel_Wijzigen":
                orders.change_line(fields, caller)
            case "Order_OrderRegel_Verwijderen":
                orders.remove_line(fields, caller)
            case _:
                orders.release_lock(fields, caller)
        return {}

    # --- faults ------------------------------------------------------------------------------------------------------

    def refuse(self, code: str, message: str) -> Answer:
        """Return a refusal as King gives it: HTTP 200."""
        return json_answer([{"Status": 1, "FoutCode": code, "FoutMelding": message}])

    def unauthorized(self) -> Answer:
        """Return the answer to a wrong access code."""
        return _HttpError(401, "TOEGANGSCODE", "De toegangscode is niet juist.").answer

    def work_under_lock(self, request: Request, fault: Fault) -> Answer:
        """Carry out a call while a King user has the order open; without an order the debtor counts as open."""
        store = self._store_of(request) or self.store
        with store.lock:
            order = store.orders.by_number.get(_order_number(request))
            if order is None:
                return self.refuse("LOCK", f"De gegevens zijn in gebruik door {KING_USER}.")
            before = order.locked_by, order.locked_at
            order.locked_by = KING_USER
            answer = self.handle(request)
            if not fault.keep:
                order.locked_by, order.locked_at = before
            return answer

    # --- control -----------------------------------------------------------------------------------------------------

    def own_routes(self) -> list[Route]:
        """Return the control routes of King."""
        store = self.store
        return [
            Route("GET", "state", lambda _request, _parts: store.state()),
            Route("GET", "orders", lambda _request, _parts: {"orders": store.all_orders()}),
            Route("GET", "orders/{number}", lambda _request, parts: store.order(_int(parts["number"]))),
            Route("POST", "orders/{number}", self._edit),
            Route("GET", "duplicates", lambda _request, _parts: store.duplicates()),
            Route("POST", "lock", self._lock),
            Route("POST", "unlock", self._unlock),
            Route("POST", "example", self._load_example),
            Route("GET", "records/{kind}", lambda _request, parts: {"records": store.records(_kind(parts))}),
            Route("PUT", "records/{kind}/{number}", self._put),
            Route("DELETE", "records/{kind}/{number}", self._remove),
        ]

    def _edit(self, request: Request, parts: dict[str, str]) -> object:
        edit = msgspec.convert(control_object(request), Edit)
        return self.store.edit_order(_int(parts["number"]), edit)

    def _lock(self, request: Request, _parts: dict[str, str]) -> object:
        lock = msgspec.convert(control_object(request), _Lock)
        self.store.lock_order(lock.number, lock.user)
        return {"locks": self.store.locks()}

    def _unlock(self, request: Request, _parts: dict[str, str]) -> object:
        self.store.unlock_order(msgspec.convert(control_object(request), _Lock).number)
        return {"locks": self.store.locks()}

    def _load_example(self, _request: Request, _parts: dict[str, str]) -> object:
        self.store.load_company(example_company())
        return self.store.counts()

    def _put(self, request: Request, parts: dict[str, str]) -> object:
        return self.store.put_record(parts["kind"], parts["number"], control_object(request))

    def _remove(self, _request: Request, parts: dict[str, str]) -> object:
        self.store.remove_record(parts["kind"], parts["number"])
        return {"done": True}

    def switches(self) -> Record:
        """Return how King behaves now; access codes are masked."""
        return {"access_codes": dict.fromkeys(self.access_codes, "***"), "callers": sorted(self.other_callers.values())}

    def change_switches(self, switches: Record) -> None:
        """Change access codes."""
        wanted = msgspec.convert(switches, _Switches)
        unknown = set(wanted.access_codes or {}) - OPERATIONS.keys()
        if unknown:
            raise ControlError(400, f"There is no operation {', '.join(sorted(unknown))}.")
        if wanted.access_code:
            self.access_code = wanted.access_code
        if wanted.access_codes is not None:
            self.access_codes = wanted.access_codes
        if wanted.other_callers is not None:
            self.other_callers = wanted.other_callers

    def reset(self, options: Record) -> None:
        """Restore the seeded data; `options` may give another size."""
        self._size = msgspec.convert({**msgspec.structs.asdict(self._size), **options}, Size)
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
        return king_page(self.store, self.administration)


def _body_of(request: Request) -> Record:
    try:
        value = decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _HttpError(400, "JSON", "De aanroep bevat geen geldige JSON.") from None
    if not isinstance(value, dict):
        raise _HttpError(400, "JSON", "De aanroep moet uit precies een object bestaan.")
    return value


def _order_number(request: Request) -> int:
    try:
        number = str(_body_of(request).get("OrderNummer"))
    except _HttpError:
        return 0
    return int(number) if number.isascii() and number.isdigit() else 0


def _int(text: str) -> int:
    if not text.isdigit():
        raise ControlError(404, f"{text} is no order number.")
    return int(text)


def _kind(parts: dict[str, str]) -> str:
    return parts["kind"]
