"""Run one sandbox as an HTTP server on loopback, in the foreground."""

from __future__ import annotations

import errno
import signal
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

import msgspec
from django.core.management.base import BaseCommand, CommandError

from sandboxes.base import Sandbox
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from sandboxes.server import LOOPBACK


class Options(msgspec.Struct, kw_only=True):
    """The arguments of the command."""

    system: str
    port: int
    host: str
    seed: int
    latency: int
    state: Path | None
    records: int
    debtors: int
    administration: str
    access_code: str
    work_orders: int
    token: str
    software_token: str


class Command(BaseCommand):
    """Serve a stand-in for King or OutSmart until SIGINT or SIGTERM."""

    help = "Serve a stand-in for King or OutSmart on 127.0.0.1, until Ctrl-C."
    # Uses neither database nor settings: the sandbox plays the other side.
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments."""
        parser.add_argument("system", choices=["king", "outsmart"])
        parser.add_argument("--port", type=_port, required=True, help="0 takes a free port")
        parser.add_argument("--host", default=LOOPBACK, help="only for a container, whose loopback nobody else reaches")
        parser.add_argument("--seed", type=int, default=1, help="another seed, another company")
        parser.add_argument("--latency", type=_count, default=0, metavar="MS", help="milliseconds before each answer")
        parser.add_argument("--state", type=Path, metavar="FILE", help="keep the data in this file")
        king = parser.add_argument_group("king")
        king.add_argument("--records", type=_count, default=300, help="number of articles")
        king.add_argument("--debtors", type=_count, default=40, help="number of debtors")
        king.add_argument("--administration", default="DEMO01")
        king.add_argument("--access-code", default="sandbox-access-code")
        outsmart = parser.add_argument_group("outsmart")
        outsmart.add_argument("--work-orders", type=_count, default=25, help="number of work orders")
        outsmart.add_argument("--token", default="sandbox-token")
        outsmart.add_argument("--software-token", default="sandbox-software-token")

    def handle(self, *_args: object, **options: object) -> None:
        """Serve until a signal comes; exit with 2 when the port is taken or the state file cannot be read."""
        chosen = msgspec.convert(options, Options)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        sandbox = _sandbox(chosen)
        sandbox.faults.latency_seconds = chosen.latency / 1000
        try:
            sandbox.start(host=chosen.host)
        except OSError as error:
            taken = "is taken; choose another with --port" if error.errno == errno.EADDRINUSE else "cannot be used"
            raise CommandError(f"Port {chosen.port} {taken}.", returncode=2) from None
        except msgspec.MsgspecError as error:
            raise CommandError(f"The state file cannot be read: {error}", returncode=2) from None
        sys.stdout.write(f"{_ready_line(sandbox)}\n")
        sys.stdout.flush()
        stop.wait()
        sandbox.stop()


def _sandbox(chosen: Options) -> Sandbox:
    if chosen.system == "king":
        return KingSandbox(
            port=chosen.port,
            seed=chosen.seed,
            records=chosen.records,
            debtors=chosen.debtors,
            administration=chosen.administration,
            access_code=chosen.access_code,
            state=chosen.state,
        )
    return OutSmartSandbox(
        port=chosen.port,
        seed=chosen.seed,
        work_orders=chosen.work_orders,
        token=chosen.token,
        software_token=chosen.software_token,
        state=chosen.state,
    )


def _ready_line(sandbox: Sandbox) -> str:
    # These credentials open nothing but this process, so they may be shown for copying.
    if isinstance(sandbox, KingSandbox):
        return (
            f"King sandbox: {sandbox.base_url} administration {sandbox.administration} "
            f"access code {sandbox.access_code} (page and control API: {sandbox.address}/)"
        )
    if isinstance(sandbox, OutSmartSandbox):
        return (
            f"OutSmart sandbox: {sandbox.base_url} token {sandbox.token} "
            f"software token {sandbox.software_token} (page and control API: {sandbox.address}/)"
        )
    raise TypeError(type(sandbox).__name__)


def _port(text: str) -> int:
    number = _count(text)
    if number > 65_535:
        raise ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return number


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"{text} is no whole number of 0 or more")
    return int(text)
