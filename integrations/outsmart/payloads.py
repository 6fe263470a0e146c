"""OutSmart's JSON → our records, and our rows → OutSmart's JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from integrations import rough, shapes
from integrations.outsmart import records
from integrations.shapes import UNREADABLE

Scalar = TypeVar("Scalar")
SYSTEM = "outsmart"
_LONGEST_ID = 50
_FREE_FIELD = re.compile(r"val_value_([0-9]{1,2})")

_MATERIAL = shapes.Shape(
    records.Material,
    {
        "code": "MaterialCode",
        "name": "MaterialName",
        "quantity": "MaterialNr",
        "unit": "MaterialUnit",
        "price": "MaterialPrice",
        "warehouse": "MaterialWarehouseCode",
        "warranty": "MaterialWarrantyCode",
    },
    counted="position",
)

_WORK_PERIOD = shapes.Shape(
    records.WorkPeriod,
    {
        "period_id": "Id",
        "work_date": "WorkDate",
        "begin_time": "BeginTime",
        "end_time": "EndTime",
        "break_minutes": "Break",
        "total_time": "TotalTime",
        "hour_type": "HourType",
        "employee_number": "EmployeeNr",
        "remark": "WorkRemark",
        "travel": "Travel",
        "object_code": "ObjCode",
    },
    counted="position",
)


def _row_id(value: object) -> str:
    """Return a row id. Raises TypeError for a truth value or a fraction, ValueError for one that is too long."""
    if isinstance(value, bool) or not isinstance(value, int | str | None):
        raise TypeError("neither text nor a whole number")
    written = shapes.text(value).strip()
    if len(written) > _LONGEST_ID:
        raise ValueError(f"longer than {_LONGEST_ID} signs")
    return written


def _free_fields(value: object) -> dict[int, str]:
    """Return the free fields by number; PHP writes an empty object as an empty list."""
    if not value:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError("not an object")
    found = {_FREE_FIELD.fullmatch(str(name)): shapes.text(content) for name, content in value.items()}
    return {int(name.group(1)): content for name, content in found.items() if name}


# Decodes a work order from its JSON. Raises PayloadError, whose path says where.
work_order = shapes.Shape(
    records.WorkOrder,
    {
        "outsmart_id": "id",
        "king_order_number": "WorkorderNo",
        "order_number": "OrderNr",
        "status": "status",
        "work_status": "WorkStatus",
        "is_archived": "Archived",
        "reference": "Reference",
        "external_reference": "ExternalReference",
        "work_date": "WorkDate",
        "work_end_date": "WorkEndDate",
        "customer_name": "CustomerName",
        "customer_debtor_number": "CustomerDebtorNr",
        "customer_street": "CustomerStreet",
        "customer_house_number": "CustomerStreetNo",
        "customer_postal_code": "CustomerZIP",
        "customer_city": "CustomerCity",
        "contact_person": "CustomerContactPerson",
        "invoice_customer_name": "CustomerNameInvoice",
        "invoice_debtor_number": "CustomerDebtorNrInvoice",
        "project_number": "ProjectNr",
        "external_project_number": "ExternProjectNr",
        "type_of_work": "TypeOfWork",
        "short_work_description": "ShortWorkDescription",
        "work_description": "WorkDescription",
        "comment": "Comment",
        "payment_method": "PaymentMethod",
        "employee_number": "EmployeeNr",
        "signed_by": "SignatureContactperson",
        "error_message": "ErrorMessage",
        "solution_message": "SolutionMessage",
        "minimum_hours": "MinimumHours",
        "rounding_amount": "RoundingAmount",
        "free_fields": "FreeFields",
        "materials": "Materials",
        "periods": "Workperiods",
    },
    key="outsmart_id",
    readers={"outsmart_id": _row_id, "free_fields": _free_fields},
    rows={"materials": _MATERIAL, "periods": _WORK_PERIOD},
    system=SYSTEM,
    operation="GetWorkorders",
).read

employee = shapes.Shape(
    records.Employee,
    {"number": "number", "first_name": "firstname", "last_name": "lastname"},
    key="number",
    system=SYSTEM,
    operation="employees",
).read
work_status = shapes.Shape(
    records.WorkStatus,
    {"code": "sta_code", "name": "sta_name"},
    key="code",
    system=SYSTEM,
    operation="workstatusses",
).read


class _RowId(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the answer to PostWorkorders."""

    number: str
    row_id: str


_POSTED = shapes.Shape(
    _RowId, {"number": "workorder_no", "row_id": "row_id"}, key="row_id", system=SYSTEM, operation="PostWorkorders"
)


class _IdOnly(msgspec.Struct, frozen=True, kw_only=True):
    outsmart_id: str


_ID_ONLY = shapes.Shape(
    _IdOnly,
    {"outsmart_id": "id"},
    key="outsmart_id",
    readers={"outsmart_id": _row_id},
    system=SYSTEM,
    operation="GetWorkorders",
)


def marks(raw: bytes) -> records.Marks:
    """Return the basic fields of a row, even where the row as a whole cannot be read."""
    try:
        found = msgspec.structs.asdict(_marks_decoder.decode(raw))
    except UNREADABLE:
        found = _damaged_marks(raw)
    return records.Marks(
        outsmart_id=_scalar(found.get("id"), _row_id) or "",
        order_number=_scalar(found.get("OrderNr"), shapes.text) or "",
        customer_name=_scalar(found.get("CustomerName"), shapes.text) or "",
        king_order_number=_scalar(found.get("WorkorderNo"), shapes.text) or "",
        status=_scalar(found.get("status", _UNREADABLE), shapes.text),
        work_status=_scalar(found.get("WorkStatus", _UNREADABLE), shapes.text),
        is_archived=_scalar(found.get("Archived"), shapes.truth) or False,
    )


_UNREADABLE: list[object] = []  # not a scalar


class _MarksWire(msgspec.Struct, frozen=True):
    id: object = None
    OrderNr: object = None
    CustomerName: object = None
    WorkorderNo: object = None
    status: object = None
    WorkStatus: object = None
    Archived: object = None


_marks_decoder = msgspec.json.Decoder(_MarksWire, float_hook=str)


def _damaged_marks(raw: bytes) -> dict[str, object]:
    """Return those of the fields that can be read on their own."""
    try:
        members = rough.members(raw)
    except ValueError:
        return {}
    found: dict[str, object] = {}
    for name in _MarksWire.__struct_fields__:
        try:
            found[name] = msgspec.json.decode(members.get(name, b"null"))
        except UNREADABLE:
            continue
    return found


def _scalar(value: object, read: Callable[[object], Scalar]) -> Scalar | None:
    try:
        return read(value)
    except (TypeError, ValueError):
        return None


def outsmart_id(raw: bytes) -> str:
    """Return the id of a work order without reading the rest. Raises PayloadError."""
    return _ID_ONLY.read(raw).outsmart_id


def posted_row(raw: bytes) -> tuple[str, str]:
    """Return WorkorderNo and row id of one row that PostWorkorders answered. Raises PayloadError."""
    row = _POSTED.read(raw)
    return row.number, row.row_id
