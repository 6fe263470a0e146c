"""Tell what happened in a run, call by call, in order."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from kingsync.management.output import quiet_when_nobody_reads
from kingsync.models.runs import SyncRun
from kingsync.upkeep.support import replay
from kingsync.upkeep.support.replay import Event


class Command(BaseCommand):
    help = "Tell what happened in a run: its log, its failed calls with their contents, and what it created."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", nargs="?", type=int, metavar="RUN", help="the run's key, as `sync --json` prints it")
        parser.add_argument("--tenant", default="", metavar="SLUG", help="instead: the company, with --number")
        parser.add_argument("--number", type=int, metavar="N", help="the number that pages show")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        run = _run_of(options)
        with translation.override("en"), quiet_when_nobody_reads():
            events = replay.events(run)
            if options["json"]:
                answer = {"run": run.pk, "tenant": run.tenant.slug, "number": run.number, "kind": run.kind}
                shown = answer | {"state": run.status, "events": [_as_json(each) for each in events]}
                self.stdout.write(json.dumps(shown, ensure_ascii=False))
                return
            self.stdout.write(f"{run.tenant.slug}: {run.kind} {run.number} (run {run.pk}), {run.status}")
            for event in events:
                self.stdout.write(_as_text(event))


def _run_of(options: dict[str, Any]) -> SyncRun:
    by_number = bool(options["tenant"]) and options["number"] is not None
    if (options["run"] is None) != by_number:
        raise CommandError("Name a run by its key, or by --tenant SLUG and --number N.", returncode=2)
    run = replay.find(key=options["run"], slug=options["tenant"], number=options["number"])
    if run is None:
        raise CommandError("There is no such run; old ones are purged with their log.", returncode=2)
    return run


def _as_json(event: Event) -> dict[str, Any]:
    return {"at": event.at.isoformat(), "what": event.what, "text": event.text, **event.details}


def _as_text(event: Event) -> str:
    at = timezone.localtime(event.at).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    names = ("level", "event", "outsmart_id", "king_id") if event.what == "log" else ()
    marks = " ".join(str(event.details[name]) for name in names if event.details[name])
    lines = [f"{at}  {event.what:<8}{marks + '  ' if marks else ''}{event.text}".rstrip()]
    if event.what == "call":
        contents = (name for name in ("query", "body", "answer") if event.details.get(name))
        lines += [f"{'':<35}{name}: {event.details[name]}" for name in contents]
    return "\n".join(lines)
