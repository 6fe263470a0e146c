"""Valkey, the broker, on a free port of 127.0.0.1. It stores nothing: what matters is in the database."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

from devservers import children, ports, wheels
from devservers.errors import ServersError

START_SECONDS = 30
STOP_SECONDS = 10
DATABASES = 1024  # each test process takes one
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
databases {databases}
daemonize no
save ""
appendonly no
maxmemory-policy noeviction
loglevel notice
"""


class Valkey:
    """One Valkey server with a password that lasts as long as the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "valkey.log"
        self.password = secrets.token_hex(24)
        self.program = wheels.valkey_server()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Start the server; return when it answers. Raises `ServersError`."""
        for _ in range(3):  # another process may take the free port before we do
            self.port = ports.free_port()
            process = self._process = self._launch()
            if self._wait_until_ready(process):
                return
            if "Address already in use" not in self.log.read_text(errors="replace"):
                break
        lines = self.log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
        raise ServersError(f"Valkey did not start: {lines[-1]} (whole log: {self.log})")

    def stop(self) -> None:
        """Stop the server."""
        if self._process:
            children.stop(self._process, patience_seconds=STOP_SECONDS)

    @property
    def pid(self) -> int | None:
        """The process id, if it was started."""
        return self._process.pid if self._process else None

    @property
    def url(self) -> str:
        """The address with password, in the form of REDIS_URL."""
        return f"redis://:{self.password}@{ports.HOST}:{self.port}/0"

    def _launch(self) -> subprocess.Popen[bytes]:
        configuration = CONFIGURATION.format(
            host=ports.HOST, port=self.port, password=self.password, folder=self.folder, databases=DATABASES
        )
        # The password goes through stdin, so that `ps` does not show it.
        with self.log.open("wb") as log, children.readable(configuration, self.folder) as stdin:
            return children.start([str(self.program), "-"], death_signal=signal.SIGTERM, stdin=stdin, stdout=log)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Return True when the server answers, False when it ended; raises `ServersError` when it takes too long."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                return False
            if self._answers():
                return True
            time.sleep(0.02)
        self.stop()
        raise ServersError(f"Valkey is not ready after {START_SECONDS} seconds; see {self.log}.")

    def _answers(self) -> bool:
        try:
            with socket.create_connection((ports.HOST, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while b"PONG" not in answer and (more := connection.recv(256)):
                    answer += more
        except OSError:
            return False
        return b"PONG" in answer
