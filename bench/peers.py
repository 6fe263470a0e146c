"""dlt for comparison: installed into a folder of its own with checked hashes, run as a program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.world import ACCESS_CODE, ADMINISTRATION
from devservers.places import CHECKOUT

LOCK = CHECKOUT / "requirements" / "dlt.lock"
# Otherwise it reports its use to its makers.
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}


class Dlt:
    """One dlt pipeline, which keeps its state in a folder as it does in production."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._python, self._state = home / "bin" / "python", folder / "dlt"
        if not self._is_installed(home):
            self._install(home)

    def load(self, king: str, database_url: str) -> float:
        """Load all of King's articles in a fresh process and return the seconds it took."""
        script = str(CHECKOUT / "bench" / "dlt_load.py")
        command = [str(self._python), script, f"{king}/{ADMINISTRATION}", ACCESS_CODE, database_url, str(self._state)]
        environment = os.environ | QUIET | {"DLT_DATA_DIR": str(self._state), "HOME": str(self._state)}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        self._state.mkdir(exist_ok=True)
        done = subprocess.run(command, env=environment, cwd=self._state, stdout=subprocess.PIPE, text=True, check=True)
        return float(done.stdout.strip().splitlines()[-1])

    def _is_installed(self, home: Path) -> bool:
        mark = home / "installed"
        return mark.is_file() and mark.read_bytes() == LOCK.read_bytes()

    def _install(self, home: Path) -> None:
        uv = str(CHECKOUT / ".venv" / "bin" / "uv")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        install = [uv, "pip", "sync", "--quiet", "--python", str(self._python), "--require-hashes"]
        subprocess.run([*install, "--compile-bytecode", str(LOCK)], check=True)
        (home / "installed").write_bytes(LOCK.read_bytes())
