"""King's lines that materials of imported orders were made from, stored until their first export."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kingsync.models import tenants
from kingsync.models.links import ImportedLine
from kingsync.rules.imports.imported_orders import NewWork


def store(works: Iterable[NewWork]) -> None:
    """Store the lines of these orders, replacing those of an earlier attempt."""
    works = list(works)
    forget(work.work_order.king_order_number for work in works)
    ImportedLine.objects.bulk_create(
        [
            ImportedLine(
                tenant_id=tenants.current_id(),
                administration_id=tenants.current_administration_id(),
                king_order_number=work.work_order.king_order_number,
                king_line_id=line.king_line_id,
                key=line.key,
                label=line.content.article,
                content=msgspec.to_builtins(line.content),
            )
            for work in works
            for line in work.lines
        ],
        ignore_conflicts=True,
    )


def forget(numbers: Iterable[str]) -> None:
    """Delete the lines of orders that did not become work orders after all."""
    ImportedLine.objects.filter(king_order_number__in=list(numbers)).delete()


def line_ids(number: str) -> dict[str, str]:
    """Return King's line by the key of the material that was made from it."""
    rows = ImportedLine.objects.filter(king_order_number=number)
    return dict(rows.values_list("key", "king_line_id"))
