"""`manage.py demo`: everything at once with demo data, until Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from devservers import ports
from devservers.locks import FileLock
from devservers.places import local_folder
from devservers.supervisor import Part, PartEndedError, Supervisor, TooSlowError
from kingsync import probe, thread_worker
from sandboxes.outsmart.sandbox import BASE_PATH

USUAL_PORT = 8000
START_SECONDS = 90.0
COLOURS = (36, 33, 32, 35, 34, 96)
NAME_WIDTH = 8
# Output is unbuffered, and Celery does not warn about root at each start: a demo may run as root.
QUIETLY = {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore:You're running the worker"}


class Stopped(BaseException):
    """Raised by a signal to end the demo. Not an `Exception`, so that nothing on the way handles it as an error."""


class Command(BaseCommand):
    help = "Start database, broker, web, workers, clock and both sandboxes with demo data. Ctrl-C stops all of it."
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the demo until a signal comes; exit with 0 then, with 1 when something does not start."""
        if not settings.IS_DEVELOPMENT:
            raise CommandError("The demo is for a development machine: unset SECRET_KEY and start it again.")
        places = Places(local_folder() / "demo.json")
        lock = FileLock(local_folder() / "demo.lock")
        if not lock.try_exclusive():
            raise CommandError(
                f"A demo of this checkout is already running: open http://{ports.HOST}:{places.known('web')}, "
                "or stop it with Ctrl-C in its own terminal."
            )
        try:
            Demo(places, self._say, self._show).run()
        except (PartEndedError, TooSlowError) as error:
            raise CommandError(str(error)) from None
        finally:
            lock.close()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _show(self, name: str, line: str) -> None:
        prefix = f"{name:<{NAME_WIDTH}} |"
        if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
            prefix = f"\033[{COLOURS[sum(name.encode()) % len(COLOURS)]}m{prefix}\033[0m"
        self._say(f"{prefix} {line}")


class Places:
    """The ports of the parts. They persist across restarts: the demo tenant's connections contain them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def known(self, name: str) -> int:
        """Return the last port of a part, else the web's default."""
        return self._ports.get(name, USUAL_PORT)

    def sandbox(self, name: str) -> int:
        """Return the sandbox's port: the last one if it is free, else another."""
        port = self._ports.get(name, 0)
        return self._remember(name, port if port and ports.is_free(port) else ports.free_port())

    def web(self, say: Callable[[str], None]) -> int:
        """Return the port for the pages: PORT if set, else 8000 or the next free one."""
        wanted = os.environ.get("PORT", "")
        if wanted:
            return self._remember("web", self._checked(wanted))
        port = next((port for port in range(USUAL_PORT, USUAL_PORT + 100) if ports.is_free(port)), 0)
        if not port:
            raise CommandError(f"No port from {USUAL_PORT} on is free. Choose one: PORT=9000 make demo")
        if port != USUAL_PORT:
            say(f"port      {USUAL_PORT} is used by another program, so the pages are on port {port}")
        return self._remember("web", port)

    def _checked(self, wanted: str) -> int:
        if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
            raise CommandError(f"PORT={wanted} is not a port number. Choose one: PORT=9000 make demo")
        if not ports.is_free(int(wanted)):
            raise CommandError(f"Port {wanted} is used by another program. Choose another: PORT=9001 make demo")
        return int(wanted)

    def _remember(self, name: str, port: int) -> int:
        self._ports[name] = port
        self._path.write_text(json.dumps(self._ports))
        return port


class Demo:
    """The steps of the demo, from top to bottom."""

    def __init__(self, places: Places, say: Callable[[str], None], show: Callable[[str, str], None]) -> None:
        self._places = places
        self._say = say
        self._env = {**os.environ, **QUIETLY}
        self._supervisor = Supervisor(env=self._env, show=show, say=say)

    def run(self) -> None:
        """Start everything, print the address, run until a signal comes, stop everything."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _stop)
        try:
            self._start()
            self._supervisor.run()
        except Stopped:
            self._say("stopping")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # we are already stopping
            self._supervisor.stop()
            self._say("stopped")

    def _start(self) -> None:
        port = self._places.web(self._say)
        self._env.setdefault("SITE_URL", f"http://{ports.HOST}:{port}")  # for links in e-mails
        self._print_servers()
        call_command("migrate", verbosity=0, interactive=False)
        self._say("migrate   the database is up to date")
        king_url, outsmart_url = self._start_sandbox("king"), self._start_sandbox("outsmart") + BASE_PATH
        self._wait_for("sandboxes", lambda: all(_listens(url) for url in (king_url, outsmart_url)))
        self._say(f"sandboxes King at {king_url}, OutSmart at {outsmart_url}")
        users = _seed(king_url, outsmart_url)
        self._say("seed      the demo tenant and its users are ready")
        self._start_application(port)
        self._wait_for("web", lambda: probe.web_is_well(port))
        self._print_address(port, users)

    def _print_servers(self) -> None:
        database, broker = settings.DATABASES["default"], urlsplit(settings.REDIS_URL)
        self._say(
            f"servers   PostgreSQL at {database['HOST']}:{database['PORT']}, Redis at {broker.hostname}:{broker.port}"
        )

    def _start_sandbox(self, name: str) -> str:
        port = self._places.sandbox(name)
        state = local_folder() / f"sandbox-{name}.json"
        command = [sys.executable, "-m", "kingsync", "sandbox", name, "--port", str(port), "--state", str(state)]
        self._supervisor.start(Part(name, command, floor=0))
        return f"http://{ports.HOST}:{port}"

    def _start_application(self, port: int) -> None:
        web = ["kingsync.serve", "--host", ports.HOST, "--port", str(port), "--workers", "1"]
        web += ["--workers-kill-timeout", "5"]
        self._supervisor.start(Part("web", [sys.executable, "-m", *web], floor=1))
        for queue, pool in (("imports", ("--concurrency", "2")), ("exports", thread_worker.OPTIONS)):
            worker = ["worker", "--queues", queue, "--hostname", f"{queue}@demo", *pool]
            worker += ["--without-mingle", "--without-gossip"]  # one machine: nothing to sync
            # A worker that is asked to end would finish its task first; without its database it must be killed.
            self._supervisor.start(Part(queue, _celery(*worker), floor=2, death_signal=signal.SIGKILL))
        self._supervisor.start(Part("beat", _celery("beat"), floor=2, death_signal=signal.SIGKILL))

    def _wait_for(self, what: str, done: Callable[[], bool]) -> None:
        self._supervisor.run_until(done, seconds=START_SECONDS, waiting_for=what)

    def _print_address(self, port: int, users: list[tuple[str, str, str]]) -> None:
        (name, password, _role), *others = users
        if not os.environ.get("EMAIL_URL"):
            self._say(f"e-mail    is written to files in {local_folder() / 'mail'}")
        for other, other_password, role in others:
            self._say(f"also      {other} with password {other_password} ({role})")
        self._say(f"open http://{ports.HOST}:{port}, log in as {name} with password {password}")


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--quiet", "--app", "kingsync.celery", *arguments, "--loglevel", "INFO"]


def _seed(king_url: str, outsmart_url: str) -> list[tuple[str, str, str]]:
    from kingsync.management import demo_data  # noqa: PLC0415

    try:
        return demo_data.seed(king_url=king_url, outsmart_url=outsmart_url)
    finally:
        connection.close()


def _listens(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=1).close()
    except OSError:
        return False
    return True


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
