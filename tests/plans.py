"""How many rows the database reads for a query, by its own account of carrying it out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection


def rows_read(statements: Iterable[str], parameters: Any = None) -> int:
    """Return the rows that scans touch for these statements, those that a filter drops included."""
    total = 0
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            [(plan,)] = cursor.fetchall()
        document = json.loads(plan) if isinstance(plan, str) else plan
        total += sum(_touched(node) for node in _nodes(document[0]["Plan"]) if "Scan" in node["Node Type"])
    return total


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _touched(node: dict[str, Any]) -> int:
    each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(each * node["Actual Loops"])
