"""PostgreSQL on a data folder: created on first use, started on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from devservers import accounts, children, ports, wheels
from devservers.errors import ServersError

START_SECONDS = 120  # after a crash it replays its log first
STOP_SECONDS = 30
NAME = "kingsync"
COMMON = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "jit=off", "timezone=UTC", "log_timezone=UTC")
# A password of 192 random bits needs no stretching, which takes most of a login's time.
QUICK_TO_MAKE = ("--no-sync", "-c", "scram_iterations=1")
UNSAFE_AND_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Postgres:
    """One PostgreSQL server on `folder`/postgres; its password is in `folder`/postgres.password (0600)."""

    def __init__(self, folder: Path, *, throwaway: bool) -> None:
        self.folder = folder
        self.throwaway = throwaway
        self.data = folder / "postgres"
        self.log = folder / "postgres.log"
        self.password_file = folder / "postgres.password"
        self.account = accounts.choose(wheels.postgres_programs(), folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> None:
        """Start the server, creating the data folder first if needed; return when it answers."""
        if not self.data.exists():
            self._make_data()
        accounts.hand_over(self.data, self.account.owner)
        self._check_version()
        self._end_leftover()
        for _ in range(3):  # another process may take the free port before we do
            self.port = ports.free_port()
            process = self._process = self._launch()
            if self._wait_until_ready(process):
                return
            if "Address already in use" not in self.log.read_text(errors="replace"):
                break
        raise ServersError(f"PostgreSQL did not start: {last_complaint(self.log)} (whole log: {self.log})")

    def stop(self) -> None:
        """Stop the server, cleanly unless the data is throwaway anyway."""
        if self._process:
            fast = signal.SIGQUIT if self.throwaway else signal.SIGINT
            children.stop(self._process, signal_number=fast, patience_seconds=STOP_SECONDS)

    @property
    def pid(self) -> int | None:
        """The process id, if it was started."""
        return self._process.pid if self._process else None

    @property
    def url(self) -> str:
        """The address with password, in the form of DATABASE_URL."""
        return f"postgres://{NAME}:{self.password_file.read_text().strip()}@{ports.HOST}:{self.port}/{NAME}"

    def _make_data(self) -> None:
        """Create the data folder next to its final place, so that a partial one is never taken for complete."""
        fresh = self.data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self.password_file.unlink(missing_ok=True)
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(secrets.token_hex(24) + "\n")
        for path in (fresh, self.password_file):
            accounts.hand_over(path, self.account.owner)
        options = ["--auth=scram-sha-256", f"--pwfile={self.password_file}", "--locale=C", "--encoding=UTF8"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--username={NAME}"]
        self._run("initdb", "-D", str(fresh), *options, *(QUICK_TO_MAKE if self.throwaway else ()))
        self._run("postgres", "--single", "-D", str(fresh), "postgres", given=f"CREATE DATABASE {NAME}\n")
        fresh.rename(self.data)

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        command = [str(self.account.programs / "bin" / program), *arguments]
        with self.log.open("wb") as log, children.readable(given, self.folder) as stdin:
            child = children.start(
                command,
                death_signal=signal.SIGKILL,
                enter=self.account.enter,
                cwd=self.folder,
                stdin=stdin,
                stdout=log,
            )
        if child.wait() != 0:
            raise ServersError(f"PostgreSQL cannot create {self.data}: {last_complaint(self.log)} (log: {self.log})")

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = COMMON + (UNSAFE_AND_FAST if self.throwaway else ())
        command = [str(self.account.programs / "bin" / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        command += [part for setting in settings for part in ("-c", setting)]
        with self.log.open("wb") as log:
            return children.start(
                command, death_signal=signal.SIGINT, enter=self.account.enter, cwd=self.folder, stdout=log
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Return True when the server answers, False when it ended; raises `ServersError` when it takes too long."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                return False
            lines = self._pid_lines()
            if len(lines) >= 8 and lines[0].strip() == str(process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.02)
        self.stop()
        raise ServersError(f"PostgreSQL is not ready after {START_SECONDS} seconds; see {self.log}.")

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        ours = subprocess.run(  # noqa: S603  (a program of our own package)
            [str(self.account.programs / "bin" / "postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        if ours.split(".")[0] != made_by:
            raise ServersError(
                f"{self.data} was created by PostgreSQL {made_by}; the installed version is {ours}. "
                "Remove that folder to start with fresh demo data."
            )

    def _end_leftover(self) -> None:
        """End the server left by a killed keeper and remove its pid file. The caller holds the lock: it is unused."""
        lines = self._pid_lines()
        if not lines:
            return
        pid = int(lines[0])
        end = time.monotonic() + STOP_SECONDS
        if _command_of(pid).find(str(self.data)) >= 0:
            os.kill(pid, signal.SIGINT)
        while _command_of(pid).find(str(self.data)) >= 0:
            if time.monotonic() > end:
                raise ServersError(f"A leftover PostgreSQL server (process {pid}) does not stop. Kill it.")
            time.sleep(0.02)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []


def last_complaint(log: Path) -> str:
    """Return the last line of a log that reports an error, else its last line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    marks = ("FATAL:", "PANIC:", "error:", "could not", "No space")
    return next(
        (line for line in reversed(lines) if any(mark in line for mark in marks)), (lines or ["no reason given"])[-1]
    )


def _command_of(pid: int) -> str:
    """Return the command line of a process, or nothing when there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    shown = subprocess.run(["ps", "-ww", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)  # noqa: S603, S607  (fixed words and a number)
    return shown.stdout
