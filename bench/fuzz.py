"""`python -m bench.fuzz`: a hundred thousand odd inputs each for payloads, the tenant file, forms and commands.

Prints what is not as it must be and exits with 1 where something is. `--count`, `--seed`; `--only` chooses one of them.
"""

from __future__ import annotations

import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from time import monotonic

import django

from tests import throwaway

KINDS = ("payloads", "tenant-file", "forms", "commands")
SHOWN = 20


def main() -> None:
    asked = _arguments()
    with throwaway.environment("fuzz") as folder:
        os.environ["EMAIL_URL"] = "memorymail://"
        django.setup()
        sys.exit(_carried_out(asked, folder))


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.fuzz", description="Odd inputs for everything that takes any.")
    parser.add_argument("--count", type=int, default=100_000, help="how many of each (100000)")
    parser.add_argument("--seed", type=int, default=1, help="other inputs (1)")
    parser.add_argument("--only", choices=KINDS, help="only these")
    return parser.parse_args()


def _carried_out(asked: Namespace, folder: Path) -> int:
    """Carry out what was asked for and return the exit code."""
    from django.core.management import call_command  # noqa: PLC0415  (Django is set up by now)
    from django.db import transaction  # noqa: PLC0415

    logging.disable()  # what pages refuse is no news here
    call_command("migrate", verbosity=0)
    broken = 0
    for name in [asked.only] if asked.only else KINDS:
        began, count = monotonic(), 0
        with transaction.atomic():
            for failure in _failures(name, folder)(Random(asked.seed), asked.count):
                count += 1
                if count <= SHOWN:
                    print(f"    {failure}", flush=True)
            transaction.set_rollback(True)
        print(f"{name:<12} {asked.count} inputs, {count} wrong, {monotonic() - began:.0f} s", flush=True)
        broken += count
    return 1 if broken else 0


def _failures(name: str, folder: Path) -> Callable[[Random, int], Iterator[str]]:
    from django.test import override_settings  # noqa: PLC0415

    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.runs import background_calls  # noqa: PLC0415
    from tests.fuzz import commands, forms, payload_layers, scene, tenant_files  # noqa: PLC0415

    def of_forms(chance: Random, count: int) -> Iterator[str]:
        background_calls.pool = scene.Nobody()  # type: ignore[assignment]
        # The real hasher takes a third of a second for each password, on purpose.
        with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
            tenant = scene.filled()
            yield from forms.failures(scene.browsers(tenant), scene.known(tenant), chance, count)

    def of_commands(chance: Random, count: int) -> Iterator[str]:
        with tenants.scope(scene.filled()):
            yield from commands.failures(chance, count, folder)

    return {
        "payloads": payload_layers.failures,
        "tenant-file": tenant_files.failures,
        "forms": of_forms,
        "commands": of_commands,
    }[name]


if __name__ == "__main__":
    main()
