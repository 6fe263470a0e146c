"""King warehouse → OutSmart warehouse."""

from __future__ import annotations

from integrations.king.records import Warehouse
from integrations.outsmart import records as outsmart
from kingsync.rules.mapping import Warehouses
from kingsync.rules.records import Answer, Row, one_line


def from_warehouse(warehouse: Warehouse, choices: Warehouses) -> list[Answer]:  # noqa: ARG001  (one form for all kinds)
    payload = outsmart.Warehouse(
        wse_code=warehouse.number,
        wse_description=one_line(warehouse.description) or f"Magazijn {warehouse.number}",
        wse_external_id=warehouse.number,
    )
    return [Row(kind="warehouse", king_id=warehouse.number, outsmart_id=warehouse.number, payload=payload)]
