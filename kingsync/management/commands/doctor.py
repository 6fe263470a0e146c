"""Examine this installation: one line for each thing, and what to do about what is wrong."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from kingsync.upkeep.doctor import examination
from kingsync.upkeep.doctor.checks import SECONDS, Finding, State

ALL_WELL, WRONG = 0, 1
MOST_SECONDS = 600.0


class Command(BaseCommand):
    help = (
        "Examine environment, servers, clock, workers, queues, schema, keys and disk; exit 1 where something is wrong."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true", help="exit 1 for a warning too")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
        parser.add_argument("--seconds", type=_seconds, default=SECONDS, help="time limit of each check")

    def handle(self, *args: object, **options: Any) -> None:
        found = []
        for each in examination.findings(seconds=options["seconds"]):
            found.append(each)
            if not options["json"]:
                self.stdout.write(line_of(each))
        if options["json"]:
            self.stdout.write(json.dumps(as_json(found)))
        counted = {State.WRONG, State.WARNING} if options["strict"] else {State.WRONG}
        sys.exit(WRONG if any(each.state in counted for each in found) else ALL_WELL)


def _seconds(given: str) -> float:
    seconds = float(given)
    if not 0 < seconds <= MOST_SECONDS:
        raise ArgumentTypeError(f"more than 0, at most {MOST_SECONDS:g}")
    return seconds


def line_of(finding: Finding) -> str:
    todo = f" — {finding.todo}" if finding.todo else ""
    return f"{finding.state:<8} {finding.check}: {finding.text}{todo}"


def as_json(found: list[Finding]) -> dict[str, object]:
    worst = next((state for state in reversed(State) if any(each.state == state for each in found)), State.OK)
    return {"state": worst, "checks": [asdict(each) for each in found]}
