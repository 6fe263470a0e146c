"""OutSmart's master data: fields, keys, codes (outsmart.md, chapters 1.4 and 3)."""

from __future__ import annotations

import msgspec

MISSING_WITHOUT_CODE = 1051
FAILED_WITHOUT_CODE = 1007


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of master data.

    `key`: the fields that identify a row; () adds a row each time. `shown`: what GET returns,
    () = everything. `short` and `long`: lengths other than 255. `commas`: decimals that
    OutSmart writes with a comma. `columns`: names of database columns in filters, where they are
    not the JSON names. `delete_keys`: what DeleteEntity may select by.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    failed: int = FAILED_WITHOUT_CODE
    missing: int = MISSING_WITHOUT_CODE
    shown: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    decimals: tuple[str, ...] = ()
    commas: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    long: tuple[str, ...] = ()
    delete_keys: dict[str, str] = {}
    columns: dict[str, str] = {}
    has_filters: bool = False
    has_free_fields: bool = False
    is_writable: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields of a row."""
        return self.required + self.optional

    def longest(self, name: str) -> int:
        """Return how many characters a field may have."""
        return 65_535 if name in self.long else 55 if name in self.short else 255


def _code_list(missing: int = MISSING_WITHOUT_CODE) -> Entity:
    return Entity(
        required=("code", "description"),
        optional=("app_enabled",),
        key=("code",),
        missing=missing,
        flags=("app_enabled",),
        delete_keys={"code": "code"},
    )


ENTITIES: dict[str, Entity] = {
    "relations": Entity(
        required=("name", "debtor_number", "street", "postal_code", "city"),
        optional=(
            *("contact", "phone_number", "mobile", "email", "email_workorder", "house_number", "country", "remark"),
            *("latitude", "longitude", "external_id", "debtor_number_invoice", "kvk_number", "vat_number"),
            *("debtor_type", "language", "accountmanager", "status", "active", "pgp_code", "source", "lead_phase"),
        ),
        key=("debtor_number",),
        failed=1300,
        missing=1301,
        flags=("active",),
        long=("remark",),
        has_free_fields=True,
        delete_keys={"debtor_number": "debtor_number", "name": "name", "db_row": "id"},
        columns={"zip": "postal_code"},
        has_filters=True,
    ),
    "materials": Entity(
        required=("code", "description", "price", "unit"),
        optional=(
            *("eancode", "barcode", "freefield1", "freefield2", "freefield3", "freefield4", "freefield5"),
            *("note", "vat_code"),
        ),
        key=("code",),
        failed=1200,
        missing=1201,
        shown=("code", "description", "price", "unit"),
        decimals=("price",),
        commas=("price",),
        short=("eancode", "barcode"),
        long=("description",),
        delete_keys={"code": "code", "description": "description", "db_row": "id"},
    ),
    "hourtypes": Entity(
        required=("code", "name", "cost_booking", "sale_booking", "sale_price"),
        optional=("cost_price", "active"),
        key=("code",),
        failed=1800,
        missing=1801,
        flags=("cost_booking", "sale_booking", "active"),
        decimals=("sale_price", "cost_price"),
        short=("code",),
        delete_keys={"code": "code"},
    ),
    "projects": Entity(
        required=("code", "debtor_number", "status", "name", "date_start"),
        optional=(
            *("code_ext", "adr_code", "cpn_code", "debtor_number_invoice", "description", "progress", "date_end"),
            "active",
        ),
        key=("code",),
        failed=1700,
        missing=1701,
        flags=("active",),
        dates=("date_start", "date_end"),
        delete_keys={"code": "code"},
    ),
    "employees": Entity(
        required=("firstname", "lastname", "number"),
        optional=("active",),
        key=("number",),
        failed=1100,
        missing=1101,
        flags=("active",),
        delete_keys={"number": "number", "db_row": "id"},
    ),
    "warehouses": Entity(
        required=("wse_code", "wse_description"),
        optional=(
            *("wse_wse_code", "wse_type", "wse_image", "wse_order_message", "wse_employee_nr", "wse_external_id"),
            *("wse_date_start", "wse_date_end", "wse_date_certification", "wse_supplier", "wse_remark"),
        ),
        key=("wse_code",),
        short=("wse_code",),
    ),
    "workstatusses": Entity(required=("sta_code", "sta_name"), key=("sta_code",), failed=2800, missing=2801),
    "contactpersons": Entity(
        required=("cpn_debtor_nr", "cpn_code", "cpn_name"),
        optional=("cpn_phone", "cpn_email"),
        key=("cpn_code",),
        delete_keys={"code": "cpn_code"},
    ),
    "addresses": Entity(
        required=("adr_debtor_nr", "adr_code", "adr_line_1", "adr_zip", "adr_city"),
        optional=("adr_cpn_code", "adr_country", "adr_remark", "adr_latitude", "adr_longitude"),
        key=("adr_code",),
        delete_keys={"code": "adr_code"},
    ),
    "prices": Entity(
        required=("date_start", "price"),
        optional=("material", "hourtype", "date_end", "debtornr"),
        decimals=("price",),
        dates=("date_start", "date_end"),
        has_filters=True,
    ),
    "categories": Entity(
        required=("cat_code", "cat_name", "cat_display"),
        optional=("cat_cat_code", "cat_image"),
        key=("cat_code",),
        failed=2400,
        missing=2401,
        flags=("cat_display",),
        delete_keys={"code": "cat_code"},
    ),
    "material_categories": Entity(
        required=("mct_mat_code", "mct_cat_code"),
        key=("mct_mat_code", "mct_cat_code"),
        failed=2500,
        missing=2501,
        delete_keys={"mct_mat_code": "mct_mat_code", "mct_cat_code": "mct_cat_code"},
    ),
    "worktypes": Entity(
        required=("wrt_name",),
        optional=("wrt_description", "wrt_default_minutes", "wrt_active"),
        key=("wrt_name",),
        failed=2600,
        missing=2601,
        flags=("wrt_active",),
    ),
    "paymentmethods": Entity(required=("pmd_description",), key=("pmd_description",), failed=2700, missing=2701),
    "material_types": _code_list(),
    "priorities": _code_list(),
    "errors": _code_list(),
    "solutions": _code_list(),
    "freefields": Entity(
        required=("fld_entity", "fld_name", "fld_type"),
        optional=("fld_values", "fld_reference_name", "fld_order", "fld_required"),
        key=("fld_entity", "fld_order"),
        has_filters=True,
    ),
    "generic_notes": Entity(
        required=("nte_entity", "nte_column", "nte_primary", "nte_content"),
        optional=("nte_reference",),
        long=("nte_content",),
        has_filters=True,
    ),
    "warehouse-material": Entity(
        required=(),
        optional=(
            *("wsa_article_code", "wsa_article_description", "wsa_wse_code", "wsa_wse_description"),
            *("wsa_maximum_amount", "wsa_order_amount", "wsa_current_amount", "wsa_optimal_amount"),
        ),
        is_writable=False,
    ),
}

# The singular twins: the same rows, with filters.
TWINS = {"contactperson": "contactpersons", "address": "addresses", "category": "categories"}

# DeleteEntity uses the singular.
DELETABLE = {
    "employee": "employees",
    "material": "materials",
    "relation": "relations",
    "project": "projects",
    "hourtype": "hourtypes",
    "category": "categories",
    "address": "addresses",
    "contactperson": "contactpersons",
    "material_category": "material_categories",
    "error": "errors",
    "priority": "priorities",
    "solution": "solutions",
}
WORK_ORDER_DELETE_KEYS = {"db_row": "id", "workorder_no": "WorkorderNo", "order_no": "OrderNr"}
