"""The endpoints of OutSmart's OpenAPI 8 (outsmart.md, chapters 2, 3 and 6). Callers hold the store's lock."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from sandboxes.messages import Record, Request, decode
from sandboxes.outsmart.entities import DELETABLE, ENTITIES, TWINS, WORK_ORDER_DELETE_KEYS
from sandboxes.outsmart.fields import TEXT_FIELDS
from sandboxes.outsmart.filters import Filter, chosen, filters_of, values_of
from sandboxes.outsmart.notation import DecimalMark, RefusalError, encode_php, is_time, read_date, text_of
from sandboxes.outsmart.store import OutSmartStore
from sandboxes.outsmart.work_orders import BAD_DATE, BAD_TIME

STATUSES = ("Alle", "Opgehaald", "Klaargezet", "Compleet", "Afgehandeld")
_UPDATES = {"workdate": "WorkDate", "worktime": "WorkTime", "employee_nr": "EmployeeNr", "workstatus": "WorkStatus"}


class Behaviour(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is unknown about OutSmart, or differs between its servers, as switches.

    `require_https`: answer 1006 unless `X-Forwarded-Proto` says https. `bearer_token`: require this
    header as well as the query pair. `missing_status`: GetWorkorders without `status`. `zero_is_false`:
    `update_status=0` means false too. `extended_update`: UpdateWorkorder accepts CamelCase fields.
    `decimals`: how they are written. `absent_keys`: share of the optional keys that is left out.
    `allow_delete_all`: also for anything but work orders. `duplicates_return_row_id`: a work order
    skipped by PostWorkorders is in the answer with its existing row.
    """

    require_https: bool = False
    bearer_token: str = ""
    missing_status: Literal["1500", "empty"] = "1500"
    zero_is_false: bool = False
    extended_update: bool = False
    decimals: DecimalMark = "mixed"
    absent_keys: float = 0.0
    allow_delete_all: bool = False
    duplicates_return_row_id: bool = True


class Api:
    """Carries out an admitted call; returns the encoded `response`. Raises RefusalError."""

    def __init__(self, store: OutSmartStore, behaviour: Behaviour) -> None:
        self.store = store
        self.behaviour = behaviour
        self._own: dict[tuple[str, str], Callable[[Request], bytes]] = {
            ("GET", "GetWorkorders"): self._get_work_orders,
            ("GET", "GetWorkorder"): self._get_work_order,
            ("GET", "UpdateWorkorder"): self._update_work_order,
            ("POST", "UpdateWorkorder"): self._update_materials,
            ("POST", "PostWorkorders"): self._post_work_orders,
            ("GET", "DeleteEntity"): self._delete_entity,
            ("GET", "values"): self._get_values,
            ("POST", "values"): self._post_values,
        }

    def endpoint(self, method: str, name: str) -> Callable[[Request], bytes] | None:
        """Return what carries out an endpoint; None when it does not exist."""
        if (method, name) in self._own:
            return self._own[method, name]
        if method == "GET" and (name in ENTITIES or name in TWINS):
            return lambda request: self._get_entity(name, request)
        if method == "POST" and name in ENTITIES and ENTITIES[name].is_writable:
            return lambda request: encode_php(self.store.masters.post(name, body_of(request)))
        return None

    # --- master data -------------------------------------------------------------------------------------------------

    def _get_entity(self, name: str, request: Request) -> bytes:
        plural = TWINS.get(name, name)
        rows = self.store.masters.published(plural, self.behaviour.decimals)
        filters: list[Filter] = []
        if name in TWINS:
            filters = [Filter(one.key, one.value, "eq") for one in filters_of(request)]
        elif ENTITIES[name].has_filters:
            filters = filters_of(request)
        elif name == "warehouse-material":
            filters = [Filter(key, value, "eq") for key, value in request.query if key.startswith("wsa_")]
        return encode_php(chosen(rows, filters, ENTITIES[plural].columns))

    def _delete_entity(self, request: Request) -> bytes:
        entity = request.parameter("entity")
        if entity != "workorder" and entity not in DELETABLE:
            raise RefusalError(1600, f"Entity: {entity} not found")
        if request.parameter("delete_all") == "true":
            return encode_php(self._delete_all(entity))
        known = WORK_ORDER_DELETE_KEYS if entity == "workorder" else ENTITIES[DELETABLE[entity]].delete_keys
        wanted: dict[str, str] = {}
        for key, value in zip(values_of(request, "key") or [""], values_of(request, "value") or [""], strict=False):
            if key not in known or not value:
                raise RefusalError(1600, f"Key: {key} not allowed for entity: {entity}")
            wanted[known[key]] = value
        if entity != "workorder":
            return encode_php(self.store.masters.delete(DELETABLE[entity], wanted))
        work_orders = self.store.work_orders
        rows = [one for one in work_orders.by_id.values() if all(text_of(one, k) == v for k, v in wanted.items())]
        return encode_php(work_orders.delete(text_of(one, "id") for one in rows))

    def _delete_all(self, entity: str) -> int:
        if entity == "workorder":
            raise RefusalError(1600, "Delete all not allowed on Workorder entity")
        if not self.behaviour.allow_delete_all:
            raise RefusalError(1600, f"Delete all not allowed on {entity.capitalize()} entity")
        return self.store.masters.delete_all(DELETABLE[entity])

    # --- free field values -------------------------------------------------------------------------------------------

    def _post_values(self, request: Request) -> bytes:
        selector = _selector(request)
        values: Record = {name: value for name, value in request.query if re.fullmatch(r"val_value_[0-9]+", name)}
        if selector["val_entity"] == "WORKORDER":
            self._store_on_work_orders(selector, values)
        key = "\x1f".join(selector.values())
        self.store.values[key] = {**self.store.values.get(key, {}), **selector, **values}
        return encode_php(1)

    def _store_on_work_orders(self, selector: dict[str, str], values: Record) -> None:
        column, primary = selector["val_column"], selector["val_primary"]
        found = [one for one in self.store.work_orders.by_id.values() if text_of(one, column) == primary]
        if not found:
            raise RefusalError(1500)
        for work_order in found:
            self.store.work_orders.set_free_fields(work_order, values)

    def _get_values(self, request: Request) -> bytes:
        found = self.store.values.get("\x1f".join(_selector(request).values()))
        return encode_php([found] if found else [])

    # --- work orders -------------------------------------------------------------------------------------------------

    def _get_work_orders(self, request: Request) -> bytes:
        status = request.parameter("status")
        if not status:
            if self.behaviour.missing_status == "1500":
                raise RefusalError(1500)
            return b"[]"
        rows = [one for one in self.store.work_orders.by_id.values() if status in {"Alle", one["status"]}]
        if request.parameter("workstatus"):
            rows = [one for one in rows if one["WorkStatus"] == request.parameter("workstatus")]
        rows = chosen(rows, filters_of(request), {"Id": "id"})
        body = b"[%b]" % b",".join(map(self._told, rows))
        self._process(request, rows)
        return body

    def _get_work_order(self, request: Request) -> bytes:
        work_order = self._named(request)
        body = self._told(work_order)
        self._process(request, [work_order])
        return body

    def _named(self, request: Request) -> Record:
        return self.store.work_orders.find(request.parameter("row_id"), request.parameter("workorder_no"))

    def _told(self, work_order: Record) -> bytes:
        return self.store.published(work_order, mark=self.behaviour.decimals, absent_keys=self.behaviour.absent_keys)

    def _process(self, request: Request, rows: list[Record]) -> None:
        """Set what was read to Afgehandeld, unless the caller said exactly `false`."""
        word = request.parameter("update_status")
        if word != "false" and not (word == "0" and self.behaviour.zero_is_false):
            self.store.work_orders.process(rows)

    def _update_work_order(self, request: Request) -> bytes:
        work_order = self._named(request)
        changes: Record = {
            field: request.parameter(name) for name, field in _UPDATES.items() if request.parameter(name)
        }
        if self.behaviour.extended_update:
            changes.update({name: value for name, value in request.query if name in TEXT_FIELDS and name != "id"})
        if not changes:
            raise RefusalError(1502)
        self._check_update(changes)
        if all(work_order.get(name) == value for name, value in changes.items()):
            raise RefusalError(1503)
        self.store.work_orders.update(work_order, changes, user="OpenAPI")
        return b"null"

    def _check_update(self, changes: Record) -> None:
        bad: list[str] = []
        if "WorkDate" in changes and not read_date(text_of(changes, "WorkDate")):
            bad.append(BAD_DATE)
        if "WorkTime" in changes and not is_time(text_of(changes, "WorkTime")):
            bad.append(BAD_TIME)
        if "EmployeeNr" in changes and not self.store.masters.has("employees", "number", str(changes["EmployeeNr"])):
            bad.append("Employee not updated")
        if bad:
            raise RefusalError(1504, *bad)

    def _update_materials(self, request: Request) -> bytes:
        rows = body_of(request)
        clear = request.parameter("ClearMaterials") == "true"
        self.store.work_orders.set_materials(self._named(request), rows, clear=clear)
        return b"null"

    def _post_work_orders(self, request: Request) -> bytes:
        work_orders = self.store.work_orders
        rows = body_of(request)
        for row in rows:
            work_orders.check_new(row)
        skips = request.parameter("skip_duplicate_workorder_no") == "true"
        answer: list[Record] = []
        for row in rows:
            known = self._known(text_of(row, "WorkorderNo")) if skips else None
            if known is None or self.behaviour.duplicates_return_row_id:
                kept = known or work_orders.add(row)
                answer.append({"workorder_no": kept["WorkorderNo"], "row_id": int(text_of(kept, "id"))})
        return encode_php(answer)

    def _known(self, number: str) -> Record | None:
        try:
            return self.store.work_orders.find("", number)
        except RefusalError:
            return None


def body_of(request: Request) -> list[Record]:
    """Return the rows in a body; one object is a list of one. Raises RefusalError 1008 or 1009."""
    if not request.body.strip():
        raise RefusalError(1008, "Unable to fetch body")
    try:
        value = decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RefusalError(1009, "Unable to parse body") from None
    rows = [value] if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RefusalError(1009, "Unable to parse body")
    return rows


def _selector(request: Request) -> dict[str, str]:
    selector = {name: request.parameter(name) for name in ("val_entity", "val_column", "val_primary")}
    for name, value in selector.items():
        if not value:
            raise RefusalError(1051, f"Required field missing: {name}")
    return selector
