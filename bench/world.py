"""Where the measuring happens: a database, tenants, and a King and an OutSmart in their own processes."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import requests

from bench import jobs
from bench.exporter import Exported
from devservers import children
from devservers.commands import allow_loopback
from devservers.places import CHECKOUT
from devservers.servers import servers

PATIENCE_SECONDS = 10.0
TOKENS = {"token": "sandbox-token", "software_token": "sandbox-software-token"}
ADMINISTRATION, ACCESS_CODE = "DEMO01", "sandbox-access-code"
# Names a data folder of stopped servers that have our tables: who starts several benchmarks need not migrate for each.
PREPARED = "BENCH_PREPARED"
_numbers = itertools.count(100_001)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Provide a fresh database, fsync and all, inside the block; everything ends with it."""
    prepared = os.environ.get(PREPARED)
    if prepared:
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
    with servers(folder) as addresses, ExitStack() as stack:
        os.environ |= {
            "KINGSYNC_LOCAL": str(folder),
            "DATABASE_URL": addresses.database_url,
            "REDIS_URL": addresses.redis_url,
            "DJANGO_SETTINGS_MODULE": "bench.deployment",
        }
        allow_loopback()
        if not prepared:
            manage("migrate", "--verbosity", "0")
        yield World(stack, folder)


def manage(*arguments: str) -> None:
    """Run a command of manage.py. Raises RuntimeError with its error output when it fails."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


@dataclass
class World:
    stack: ExitStack
    folder: Path

    def company(self, slug: str, *, latency_ms: int) -> Company:
        """Create a tenant with a King and an OutSmart of its own, its mirror of King filled."""
        king = self.sandbox("king", "--latency", str(latency_ms))
        outsmart = self.sandbox("outsmart", "--work-orders", "0")
        company = Company(slug, king=king, outsmart=outsmart, folder=self.folder)
        for kind, number, fields in jobs.MASTERS:
            requests.put(f"{king}/_control/records/{kind}/{number}", json=fields).raise_for_status()
        company.export(company.document())
        return company

    def sandbox(self, system: str, *options: str) -> str:
        """Start a sandbox and return its address."""
        command = [sys.executable, "manage.py", "sandbox", system, "--port", "0", *options]
        process = children.start(command, death_signal=signal.SIGTERM, cwd=CHECKOUT, stdout=subprocess.PIPE)
        self.stack.callback(children.stop, process, patience_seconds=PATIENCE_SECONDS)
        assert process.stdout is not None
        with process.stdout as told:
            line = told.readline().decode()
        return line.partition("control API: ")[2].strip().rstrip("/)")


@dataclass
class Company:
    slug: str
    king: str
    outsmart: str
    folder: Path

    def settle(self, **exports: object) -> None:
        """Store the tenant, or change its export settings."""
        manage("apply_tenant", str(self.document(**exports)))

    def document(self, **exports: object) -> Path:
        """Write the tenant's file, with these export settings."""
        king = {"base_url": self.king, "administration": ADMINISTRATION, "access_code": ACCESS_CODE}
        document = {
            "slug": self.slug,
            "name": self.slug,
            "outsmart": {"base_url": f"{self.outsmart}/openapi/8", **TOKENS},
            "king": king,
            "exports": {"orders": True, **exports},
        }
        file = self.folder / f"{self.slug}.json"
        file.write_text(json.dumps(document))
        return file

    def load(self, count: int) -> list[str]:
        """Put work orders at the trigger and return their row ids."""
        rows = [jobs.work_order(next(_numbers)) for _ in range(count)]
        requests.post(f"{self.outsmart}/_control/work-orders", json=rows).raise_for_status()
        return [str(row["id"]) for row in rows]

    def reopen(self, outsmart_ids: Sequence[str]) -> None:
        """Put exported work orders back at the trigger, as OutSmart's office can."""
        with requests.Session() as session:
            for outsmart_id in outsmart_ids:
                url = f"{self.outsmart}/_control/work-orders/{outsmart_id}"
                session.post(url, json={"status": "Compleet"}).raise_for_status()

    def start_export(self, *documents: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.exporter", self.slug, *map(str, documents)]
        return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)

    def export(self, *documents: Path) -> Exported:
        """Export in a fresh process, which stores the tenant's file first if it is given. Raises CalledProcessError."""
        return finished(self.start_export(*documents))

    def forget_calls(self) -> None:
        requests.delete(f"{self.king}/_control/calls").raise_for_status()

    def king_calls(self) -> int:
        """Return how many calls King got since `forget_calls`; it remembers 10 000."""
        return int(requests.get(f"{self.king}/_control/calls").json()["count"])

    def floor_seconds(self, count: int) -> float:
        """Return how long a bare loop takes for the calls of that many work orders."""
        return floor_seconds(count, self.king)


def floor_seconds(count: int, *kings: str) -> float:
    """Return how long a bare loop for each King takes for the calls of that many work orders, all at once."""
    addresses = [f"{king}/{ADMINISTRATION}" for king in kings]
    command = [sys.executable, "-m", "bench.floor", ACCESS_CODE, str(count), *addresses]
    return float(subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def finished(process: subprocess.Popen[str]) -> Exported:
    """Wait for an export and return its figures. Raises CalledProcessError."""
    told, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return msgspec.json.decode(told, type=Exported)
