"""Run one import or export in the foreground, without broker or worker."""

from __future__ import annotations

import json
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone, translation
from tqdm import tqdm

from integrations.king.xml.file import FileError
from kingsync import worker
from kingsync.imports import import_process
from kingsync.imports.files import store
from kingsync.management import import_text
from kingsync.management.lookup import tenant_of
from kingsync.messages.reason_texts import reason_of, sentence, stored
from kingsync.models import import_kinds, tenants
from kingsync.models.king_files import KingFile
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.rules.outcomes import reason
from kingsync.runs import lifecycle, run_answers
from kingsync.runs.wanted import NotWantedError

FOREVER = 10 * 365 * 24 * 3600.0
WENT_WELL, SOME_DID_NOT, FAILED = 0, 1, 2


class Command(BaseCommand):
    help = "Run one import or export in the foreground."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        actions = parser.add_subparsers(dest="action", required=True)
        export = actions.add_parser("export", help="completed work orders to King")
        export.add_argument("--work-order", action="append", default=[], metavar="OUTSMART_ID", dest="work_orders")
        load = actions.add_parser("import", help="master data from King to OutSmart")
        load.add_argument("--kind", action="extend", nargs="+", choices=import_kinds.SHOWN, default=[], dest="kinds")
        load.add_argument("--full", action="store_true", help="read everything, not only changes")
        load.add_argument(
            "--from-xml",
            action="extend",
            nargs="+",
            default=[],
            metavar="FILE",
            dest="files",
            type=Path,
            help="read these King export files instead of its web services",
        )
        for each in (export, load):
            each.add_argument("--dry-run", action="store_true", help="show what would be sent, write nothing")
            each.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def run_from_argv(self, argv: list[str]) -> None:
        """Set up the process for this one run, and execute the command."""
        if RunKind.IMPORT in argv:
            import_process.prepare()
        super().run_from_argv(argv)

    def handle(self, *args: object, **options: Any) -> None:
        tenant = tenant_of(options["slug"])
        with tenants.scope(tenant), translation.override(tenant.language):
            try:
                run, worked = self._work(tenant, options)
            except NotWantedError as error:
                self._refuse(RunKind(options["action"]), sentence(stored(error.why)), as_json=options["json"])
            self._tell(run, worked, as_json=options["json"])
        if _exit_code(run) != WENT_WELL:
            sys.exit(_exit_code(run))

    def _work(self, tenant: Tenant, options: dict[str, Any]) -> tuple[SyncRun, worker.Worked]:
        kind = RunKind(options["action"])
        with _registered(options.get("files") or []) as files:
            lifecycle.interrupt_dead(kind)
            requested = lifecycle.request(
                kind=kind, trigger=SyncRun.Trigger.COMMAND, options=_run_options(options, files)
            )
            if requested.already_running:
                raise CommandError(_going_on(requested.run), returncode=FAILED)
            with _progress(tenant, requested.run):
                worked = worker.work_slice(requested.run.pk, slice_seconds=FOREVER)
        run = SyncRun.objects.filter(pk=requested.run.pk).first()
        if run is None:
            raise CommandError(
                "The database was restored from a backup during the run, so the run stopped. Run the command again.",
                returncode=FAILED,
            )
        return run, worked

    def _refuse(self, kind: RunKind, why: str, *, as_json: bool) -> NoReturn:
        """End with the reason why no run was started."""
        if not as_json:
            raise CommandError(why, returncode=FAILED)
        self.stdout.write(
            json.dumps(run_answers.of_ended(SyncRun(kind=kind, status=RunStatus.FAILED), why), ensure_ascii=False)
        )
        sys.exit(FAILED)

    def _tell(self, run: SyncRun, worked: worker.Worked, *, as_json: bool) -> None:
        # Ours alone, and open nevertheless: trouble of our database cut it short.
        error = sentence(stored(reason("database_away"))) if run.is_open else sentence(run.error) or None
        if as_json:
            answer = run_answers.of_ended(run, error)
            if run.is_dry:
                answer["plan"] = worked.plan
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
            return
        counts = ", ".join(f"{name} {number}" for name, number in run.counts().items() if number)
        problems = f", new problems {run.new_problems_count}" if run.new_problems_count else ""
        still = f", still waiting {run.still_waiting_count}" if run.still_waiting_count else ""
        self.stdout.write(f"{run.get_status_display()}: {counts or '-'}{problems}{still}")
        for line in import_text.lines(run):
            self.stdout.write(line)
        if error:
            self.stderr.write(error)


def _run_options(options: dict[str, Any], files: list[KingFile]) -> dict[str, object]:
    names = ("work_orders", "kinds", "full", "dry_run")
    named: dict[str, object] = {SyncRun.NAMED_FILES: [file.pk for file in files]} if files else {}
    return {name: options[name] for name in names if options.get(name)} | named


@contextmanager
def _registered(paths: list[Path]) -> Iterator[list[KingFile]]:
    """Register files while they are read, and forget those not read to the end, unless the change limit holds them."""
    files = []
    try:
        for path in paths:
            files.append(store.register(path))
        yield files
    except FileError as error:
        raise CommandError(sentence(stored(reason_of(error))), returncode=FAILED) from None
    finally:
        for file in files:
            store.forget(file)


def _going_on(run: SyncRun) -> str:
    since = timezone.localtime(run.started_at or run.queued_at)
    done = f"{run.progress_done}" + (f" / {run.progress_total}" if run.progress_total else "")
    return (
        f"A run of this kind has been in progress since {since:%H:%M} (run {run.pk}, {done} done). Nothing was started."
    )


def _exit_code(run: SyncRun) -> int:
    return {RunStatus.SUCCEEDED: WENT_WELL, RunStatus.PARTLY: SOME_DID_NOT}.get(RunStatus(run.status), FAILED)


@contextmanager
def _progress(tenant: Tenant, run: SyncRun) -> Iterator[None]:
    """Show a progress bar on a terminal, updated from the run's row by a separate thread."""
    if not sys.stderr.isatty():
        yield
        return
    stop = threading.Event()
    painter = threading.Thread(target=_paint, args=(tenant, run.pk, stop))
    painter.start()
    try:
        yield
    finally:
        stop.set()
        painter.join()


def _paint(tenant: Tenant, run_id: int, stop: threading.Event) -> None:
    with tenants.scope(tenant), tqdm(unit="", file=sys.stderr, leave=True) as bar:
        while not stop.wait(0.3):
            run = SyncRun.objects.get(pk=run_id)
            bar.total, bar.n = run.progress_total, run.progress_done
            bar.set_description(run.progress_kind or run.kind, refresh=True)
    connection.close()
