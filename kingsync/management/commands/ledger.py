"""Show every work order that was ever seen at a trigger, with its state."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from kingsync.management.lookup import tenant_of
from kingsync.models import tenants
from kingsync.models.wording import sentences
from kingsync.models.work_orders import OrderLine, WorkOrder


class Command(BaseCommand):
    help = "Show every work order that was ever seen at a trigger, with its state."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="one JSON list on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        tenant = tenant_of(options["slug"])
        with tenants.scope(tenant), translation.override(tenant.language):
            entries = list(_entries())
        if options["json"]:
            self.stdout.write(json.dumps(entries, ensure_ascii=False))
            return
        for entry in entries:
            number = entry["king_order_number"] or "-"
            self.stdout.write(f"{entry['order_number']:<20} {entry['state']:<12} {number:<12} {entry['reason']}")


def _entries() -> Iterator[dict[str, Any]]:
    ordered = OrderLine.objects.order_by("work_order_id", "position", "id")
    lines = {key: list(group) for key, group in groupby(ordered.iterator(), key=attrgetter("work_order_id"))}
    for row in WorkOrder.objects.order_by("id").iterator():
        yield {
            "outsmart_id": row.outsmart_id,
            "order_number": row.order_number,
            "king_order_number": row.king_order_number,
            "state": row.state,
            "reason": sentences(row.reasons),
            "attempts": row.attempts,
            "lines": [_line(line) for line in lines.get(row.pk, [])],
        }


def _line(line: OrderLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "source": line.source,
        "king_line_id": line.king_line_id or None,
        "state": line.state,
        "reason": sentences(line.reasons),
    }
