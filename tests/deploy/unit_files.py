"""The units of deploy/systemd, read as systemd reads them."""

from __future__ import annotations

import re
from pathlib import Path

from devservers.places import CHECKOUT

FOLDER = CHECKOUT / "deploy" / "systemd"
SERVICES = ("web", "exports", "imports", "clock", "backup")
# What the units call the release in use.
CURRENT = "/opt/kingsync/current"
_UNITS_OF_TIME = {"s": 1, "min": 60, "h": 3600}


def path_of(part: str) -> Path:
    return FOLDER / f"kingsync-{part}.service"


def values(part: str, name: str) -> list[str]:
    """Return every value of a key of a service, in order."""
    return re.findall(rf"^{name}=(.*)$", path_of(part).read_text(), flags=re.MULTILINE)


def command(part: str) -> str:
    """Return what a service starts, with systemd's %% as the % that it becomes."""
    [line] = values(part, "ExecStart")
    return line.replace("%%", "%")


def stop_seconds(part: str) -> int:
    [line] = values(part, "TimeoutStopSec")
    found = re.fullmatch(r"(\d+)(s|min|h)", line)
    assert found, line
    return int(found.group(1)) * _UNITS_OF_TIME[found.group(2)]
