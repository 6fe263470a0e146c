"""After a restore: compare the ledger with King, OutSmart and the journal; write to none of them."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from kingsync.exports.verification import restore_check
from kingsync.exports.verification.restore_check import Compared, Difference
from kingsync.management.lookup import tenant_of
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models import tenants
from kingsync.models.tenants import Tenant

COMPLETE, DIFFERENT, FAILED = 0, 1, 2


class Command(BaseCommand):
    help = "Say what a restored ledger lacks of both systems, and the reverse; write nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("slug", metavar="SLUG", nargs="?")
        which.add_argument("--all", action="store_true", help="every tenant")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        of = list(Tenant.objects.order_by("slug")) if options["all"] else [tenant_of(options["slug"])]
        answers, codes = [], [COMPLETE]
        for tenant in of:
            with tenants.scope(tenant), translation.override(tenant.language):
                found = restore_check.compare()
                codes.append(_exit_code(found))
                answers.append(_answer(tenant, found))
            if not options["json"]:
                self._tell(answers[-1])
        if options["json"]:
            self.stdout.write(json.dumps({"tenants": answers}, ensure_ascii=False))
        if max(codes) != COMPLETE:
            sys.exit(max(codes))

    def _tell(self, answer: dict[str, Any]) -> None:
        if answer["error"]:
            self.stderr.write(f"{answer['tenant']}: {answer['error']}")
            return
        counts = ", ".join(f"{name} {number}" for name, number in answer["counts"].items())
        self.stdout.write(f"{answer['tenant']}: {counts}")
        for each in answer["differences"]:
            self.stdout.write(f"  {each['outsmart_id']:<12} {each['sentence']}")


def _answer(tenant: Tenant, found: Compared) -> dict[str, Any]:
    return {
        "tenant": tenant.slug,
        "counts": {
            "ledger": found.ledger,
            "king_orders": found.king_orders,
            "at_trigger": found.at_trigger,
            "new_at_trigger": found.new_at_trigger,
            "differences": len(found.differences),
        },
        "differences": [_entry(each) for each in found.differences],
        "error": sentence(stored(found.error)) if found.error else None,
    }


def _entry(each: Difference) -> dict[str, Any]:
    return {
        "code": each.why.code,
        "outsmart_id": each.outsmart_id,
        "king_order_number": each.king_order_number or None,
        "sentence": sentence(stored(each.why)),
    }


def _exit_code(found: Compared) -> int:
    if found.error:
        return FAILED
    return DIFFERENT if found.differences else COMPLETE
