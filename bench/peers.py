"""Other programs that load the same articles, each in an environment of its own with checked hashes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from bench.world import ACCESS_CODE, ADMINISTRATION
from devservers.places import CHECKOUT

# Otherwise it reports its use to its makers.
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}


class Environment:
    """A folder with the packages of a lock file, made when they differ from it."""

    def __init__(self, home: Path, lock: str) -> None:
        self.home, self._lock = home, CHECKOUT / "requirements" / lock
        if not self._is_installed():
            self._install()

    def program(self, name: str) -> str:
        return str(self.home / "bin" / name)

    def _is_installed(self) -> bool:
        mark = self.home / "installed"
        return mark.is_file() and mark.read_bytes() == self._lock.read_bytes()

    def _install(self) -> None:
        uv = str(CHECKOUT / ".venv" / "bin" / "uv")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(self.home)], check=True)
        install = [uv, "pip", "sync", "--quiet", "--python", self.program("python"), "--require-hashes"]
        subprocess.run([*install, "--compile-bytecode", str(self._lock)], check=True)
        (self.home / "installed").write_bytes(self._lock.read_bytes())


class Dlt:
    """One dlt pipeline with a schema of its own, which keeps its state in a folder as it does in production."""

    def __init__(self, folder: Path, homes: Path, name: str) -> None:
        self._environment = Environment(homes / "dlt", "dlt.lock")
        self._schema = f"dlt_{name}"
        self._state = folder / self._schema

    def load(self, king: str, database_url: str) -> float:
        """Load all of King's articles in a fresh process and return the seconds it took, without its start."""
        script = str(CHECKOUT / "bench" / "dlt_load.py")
        # -P: a module of ours must not stand before one of the same name of the peer.
        python, url = self._environment.program("python"), f"{king}/{ADMINISTRATION}"
        command = [python, "-P", script, url, ACCESS_CODE, database_url, self._schema, str(self._state)]
        environment = _without_ours() | QUIET | {"DLT_DATA_DIR": str(self._state), "HOME": str(self._state)}
        self._state.mkdir(exist_ok=True)
        done = subprocess.run(command, env=environment, cwd=self._state, stdout=subprocess.PIPE, text=True, check=True)
        return float(done.stdout.strip().splitlines()[-1])


class Singer:
    """A Singer tap of our own, piped into a target for PostgreSQL of the registry."""

    def __init__(self, folder: Path, homes: Path, name: str) -> None:
        self._environment = Environment(homes / "singer", "singer.lock")
        self._schema = f"singer_{name}"
        self._config = folder / f"{self._schema}.json"

    def load(self, king: str, database_url: str) -> float:
        """Load all of King's articles and return the seconds it took, the start of both programs included."""
        self._config.write_text(json.dumps(_target(database_url, self._schema)))
        tap = [self._environment.program("python"), "-P", str(CHECKOUT / "bench" / "singer_tap.py")]
        target = [self._environment.program("target-postgres"), "--config", str(self._config)]
        environment, quiet = _without_ours(), subprocess.DEVNULL
        began = time.monotonic()
        with subprocess.Popen(
            [*tap, f"{king}/{ADMINISTRATION}", ACCESS_CODE], env=environment, stdout=subprocess.PIPE
        ) as said:
            subprocess.run(target, env=environment, stdin=said.stdout, stdout=quiet, stderr=quiet, check=True)
        if said.returncode:
            raise subprocess.CalledProcessError(said.returncode, tap)
        return time.monotonic() - began


def orm_seconds(slug: str, king: str, outsmart: str) -> float:
    """Import all articles by a plain script of `requests` and Django's ORM, and return the seconds it took."""
    command = [sys.executable, "-m", "bench.orm_load", slug, king, outsmart]
    return float(subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _target(database_url: str, schema: str) -> dict[str, object]:
    parts = urlsplit(database_url)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password or "",
        "database": parts.path.lstrip("/"),
        "default_target_schema": schema,
    }


def _without_ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
