"""The two systems as an import meets them: a King and an OutSmart at one of two speeds."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from urllib.parse import quote

import requests

from bench.world import Company, World
from devservers import children
from devservers.places import CHECKOUT

PATIENCE_SECONDS = 10.0


@dataclass
class Vendors:
    """`upstream` is the King sandbox whose records are read at `king`, perhaps through a stub that answers at once."""

    here: World
    upstream: str
    king: str
    is_stub: bool

    @property
    def name(self) -> str:
        return "stub" if self.is_stub else "sandbox"

    @classmethod
    def of_sandboxes(cls, here: World, upstream: str) -> Vendors:
        return cls(here, upstream, upstream, is_stub=False)

    @classmethod
    def of_stubs(cls, here: World, upstream: str) -> Vendors:
        return cls(here, upstream, _stub(here, upstream), is_stub=True)

    def outsmart(self) -> str:
        """Start an empty OutSmart and return its address."""
        sandbox = self.here.sandbox("outsmart", "--work-orders", "0")
        return _stub(self.here, sandbox) if self.is_stub else sandbox

    def company(self, slug: str) -> Company:
        """Create a tenant with this King and an OutSmart of its own."""
        company = Company(slug, king=self.king, outsmart=self.outsmart(), folder=self.here.folder)
        company.settle()
        return company

    def expect_posted(self, company: Company, count: int) -> None:
        """Raise unless the stub got that many rows since it was last asked; a sandbox is asked for nothing."""
        if not self.is_stub:
            return
        posted = int(requests.get(f"{company.outsmart}/_control/rows").text)
        if posted != count:
            raise RuntimeError(f"OutSmart got {posted} rows instead of {count}.")

    def change(self, count: int, price: float) -> None:
        """Change the price of every n-th article that may be sold."""
        if not count:
            return
        with requests.Session() as session:
            rows = session.get(f"{self.upstream}/_control/records/article").json()["records"]
            numbers = [row["ArtikelNummer"] for row in rows if not row["GeblokkeerdVoorVerkoop"]]
            for number in numbers[:: len(numbers) // count][:count]:
                url = f"{self.upstream}/_control/records/article/{quote(number, safe='')}"
                session.put(url, json={"VerkoopPrijsExclBtw": price}).raise_for_status()
        if self.is_stub:
            requests.delete(f"{self.king}/_control/answers").raise_for_status()


def _stub(here: World, upstream: str) -> str:
    command = [sys.executable, "-m", "bench.stub", upstream]
    process = children.start(command, death_signal=signal.SIGTERM, cwd=CHECKOUT, stdout=subprocess.PIPE)
    here.stack.callback(children.stop, process, patience_seconds=PATIENCE_SECONDS)
    assert process.stdout is not None
    with process.stdout as told:
        return told.readline().decode().strip()
