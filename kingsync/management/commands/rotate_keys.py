"""Encrypt every stored secret with the first key of ENCRYPTION_KEYS, so that older keys can go."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from kingsync.upkeep import key_rotation
from kingsync.upkeep.key_rotation import Rotation

COMPLETE, UNREADABLE = 0, 1


class Command(BaseCommand):
    help = "Encrypt every stored secret with the first key of ENCRYPTION_KEYS; pages and runs go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="store_true", help="only count the values under each key")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        done = key_rotation.status() if options["status"] else key_rotation.rotate()
        if options["json"]:
            keys = [{"key": name, "values": number} for name, number in done.values.items()]
            self.stdout.write(json.dumps({"keys": keys, "rotated": done.rotated, "unreadable": done.unreadable}))
        else:
            self._tell(done)
        if done.unreadable:
            self.stderr.write(
                "Values that no key opens stay as they are. Put the key that is missing behind the others in"
                " ENCRYPTION_KEYS and run this again, or enter those credentials again."
            )
        sys.exit(UNREADABLE if done.unreadable else COMPLETE)

    def _tell(self, done: Rotation) -> None:
        for place, (name, number) in enumerate(done.values.items(), 1):
            what = "encrypts" if place == 1 else "can go" if not number else "still needed"
            self.stdout.write(f"key {place} ({name}): {number} values, {what}")
        self.stdout.write(f"no key: {done.unreadable} values")
        if done.rotated:
            self.stdout.write(f"encrypted again: {done.rotated} values")
