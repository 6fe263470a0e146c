"""The fields of a work order and of its rows (outsmart.md, 2.5, 2.6 and 2.9)."""

from __future__ import annotations

from sandboxes.messages import Record

_CUSTOMER = (
    "Name",
    "DebtorNr",
    "Street",
    "StreetNo",
    "Email",
    "ZIP",
    "City",
    "Country",
    "ContactPerson",
    "Phone",
    "Remark",
)

TEXT_FIELDS: tuple[str, ...] = (
    *("id", "WorkorderNo", "OrderNr", "JobNr", "Reference", "ExternalReference"),
    *("WorkDate", "WorkTime", "WorkEndDate", "WorkEndTime", "WorkDeadline", "WorkDuration"),
    *("ProjectNr", "ProjectActivityNr", "ExternProjectNr"),
    *(f"Customer{name}" for name in _CUSTOMER),
    *("CustomerLatitude", "CustomerLongitude"),
    *(f"Customer{name}Invoice" for name in _CUSTOMER),
    *("TypeOfWork", "WorkDescription", "WorkInstruction", "InternalWorkDescription", "ShortWorkDescription", "Comment"),
    *("PaymentMethod", "CreationDate", "MutationDate", "EmployeeNr", "UDID"),
    *("Signature", "SignatureUrl", "SignatureContactperson", "PdfUrl", "WordUrl", "WorksheetCode"),
    *("status", "WorkStatus", "WorkFinished", "Archived", "PickupPlanning", "WebPlanning"),
    *("CpnCode", "AdrCode", "CpnCodeInvoice"),
    *("ErrorCode", "ErrorMessage", "SolutionCode", "SolutionMessage", "PriorityCode", "PriorityMessage"),
    *("MinimumHours", "RoundingAmount", "PgpCode", "Accountmanager", "ContractNumber", "SlaCode"),
)
LIST_FIELDS = (
    *("StatusChanges", "Photos", "Workperiods", "Materials", "Documents", "Forms", "Employees", "WorkObjects"),
)
FREE_FIELDS = "FreeFields"
FREE_FIELD_COUNT = 20
ALL_FIELDS = frozenset({*TEXT_FIELDS, *LIST_FIELDS, FREE_FIELDS})

REQUIRED: tuple[str, ...] = (
    *("WorkorderNo", "CustomerName", "CustomerDebtorNr", "CustomerStreet", "CustomerZIP", "CustomerCity"),
    *("CustomerContactPerson", "CustomerNameInvoice", "CustomerDebtorNrInvoice", "CustomerStreetInvoice"),
    *("CustomerZIPInvoice", "CustomerCityInvoice", "CustomerContactPersonInvoice", "TypeOfWork", "PaymentMethod"),
)
# What a new work order may not contain: OutSmart assigns these.
OWN_FIELDS = frozenset({"id", "status", "CreationDate", "MutationDate", "WorksheetCode", "StatusChanges", "Archived"})
DATE_FIELDS = ("WorkDate", "WorkEndDate")
TIME_FIELDS = ("WorkTime", "WorkEndTime")
LONG_FIELDS = frozenset({"CustomerRemark", "CustomerRemarkInvoice", "WorkDescription", "InternalWorkDescription"})

MATERIAL_FIELDS: tuple[str, ...] = (
    *("MaterialCode", "MaterialName", "MaterialNr", "MaterialUnit", "MaterialPrice", "MaterialTotalPrice"),
    *("MaterialWarehouseCode", "MaterialWarrantyCode", "MaterialDiscountPercentage", "MaterialOriginalPrice"),
    *("MaterialType", "MaterialFreeField1", "MaterialFreeField2", "MaterialFreeField3", "MaterialFreeField4"),
    "MaterialFreeField5",
)
MATERIAL_REQUIRED = ("MaterialCode", "MaterialNr", "MaterialPrice", "MaterialName")
PERIOD_FIELDS: tuple[str, ...] = (
    *("Id", "BeginTime", "EndTime", "TotalTime", "Break", "WorkDate", "WorkRemark", "Travel", "HourType"),
    *("EmployeeNr", "ObjCode", "ExternalId"),
)
PERIOD_REQUIRED = ("WorkDate", "BeginTime", "EndTime", "TotalTime")

DECIMAL_FIELDS = frozenset({"MinimumHours", "RoundingAmount"})
MATERIAL_DECIMALS = frozenset(
    {"MaterialNr", "MaterialPrice", "MaterialTotalPrice", "MaterialDiscountPercentage", "MaterialOriginalPrice"}
)
_NULL_WHEN_EMPTY = frozenset(
    {"CustomerLatitude", "CustomerLongitude", "MaterialType", *(f"MaterialFreeField{n}" for n in range(1, 6))}
)


def blank_work_order() -> Record:
    """Return a work order with every key and nothing in it."""
    free = {f"val_value_{number}": None for number in range(1, FREE_FIELD_COUNT + 1)}
    texts: Record = {name: None if name in _NULL_WHEN_EMPTY else "" for name in TEXT_FIELDS}
    return {**texts, "Archived": "0", FREE_FIELDS: free, **{name: [] for name in LIST_FIELDS}}


def material_row(row: Record) -> Record:
    """Return a material row with every key."""
    return {name: row.get(name, None if name in _NULL_WHEN_EMPTY else "") for name in MATERIAL_FIELDS}


def period_row(row: Record) -> Record:
    """Return a work period with every key."""
    return {name: row.get(name, "") for name in PERIOD_FIELDS}
