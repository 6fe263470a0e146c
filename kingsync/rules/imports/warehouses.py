"""King warehouse → OutSmart warehouse."""

from __future__ import annotations

from integrations.king.records import Warehouse
from integrations.outsmart import records as outsmart
from kingsync.rules.imports.records import Answer, Row, checked, one_line
from kingsync.rules.mapping import Warehouses


def from_warehouse(warehouse: Warehouse, choices: Warehouses) -> list[Answer]:  # noqa: ARG001  (one form for all kinds)
    name = one_line(warehouse.description) or f"Magazijn {warehouse.number}"
    payload = outsmart.Warehouse(wse_code=warehouse.number, wse_description=name, wse_external_id=warehouse.number)
    row = Row(kind="warehouse", king_id=warehouse.number, outsmart_id=warehouse.number, payload=payload, name=name)
    return [checked(row)]
