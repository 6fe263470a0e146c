"""Delete everything of one tenant, and prove that nothing is left."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kingsync.models.tenants import Tenant
from kingsync.upkeep.tenant_data import closing, deletion, people, traces
from kingsync.upkeep.tenant_data.deletion import Deleted, StillRunningError
from kingsync.upkeep.tenant_data.messages import BrokerAwayError
from kingsync.upkeep.tenant_data.traces import Search

NOTHING_LEFT, SOMETHING_LEFT, REFUSED = 0, 1, 2
WAIT_SECONDS = 60.0


class Command(BaseCommand):
    help = "Delete everything of one tenant: rows, files, messages, and accounts of people who work for no other."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--yes", action="store_true", help="delete; without it only what would be deleted is shown")
        help_text = f"how long to wait for a run that is being stopped; default: {WAIT_SECONDS:.0f}"
        parser.add_argument("--wait", type=float, default=WAIT_SECONDS, metavar="SECONDS", help=help_text)
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: object, **options: Any) -> None:
        tenant = _tenant_of(options["slug"])
        if not options["yes"]:
            self._show(tenant, as_json=options["json"])
            sys.exit(REFUSED)
        deleted = self._deleted(tenant, options["wait"])
        code = self._prove(deleted, as_json=options["json"])
        if code != NOTHING_LEFT:
            sys.exit(code)

    def _show(self, tenant: Tenant, *, as_json: bool) -> None:
        rows = deletion.counts(tenant)
        accounts = [user.email for user in people.of_only(tenant)]
        kept = [user.email for user in people.others_of(tenant)]
        if as_json:
            self.stdout.write(json.dumps({"would_delete": rows, "accounts": accounts, "accounts_kept": kept}))
        else:
            self._list(rows, accounts)
            for email in kept:
                self.stdout.write(f"account kept: {email} (another tenant, staff or operator)")
        self.stderr.write("Nothing was deleted. To delete all of this, run the command again with --yes.")

    def _deleted(self, tenant: Tenant, wait_seconds: float) -> Deleted:
        try:
            return closing.carry_out(tenant, wait_seconds=wait_seconds)
        except StillRunningError:
            raise CommandError(
                f"A run or a page's call did not end within {wait_seconds:.0f} seconds, so nothing was deleted. It has"
                " been asked to stop: try again, or allow more time with --wait SECONDS.",
                returncode=REFUSED,
            ) from None
        except BrokerAwayError as error:
            raise CommandError(f"The broker does not answer ({error}). Try again once it does.", returncode=2) from None
        except OSError as error:
            raise CommandError(
                f"{error.filename} cannot be removed: {error.strerror}. Repair that and run the command again: the"
                " company itself is deleted last.",
                returncode=REFUSED,
            ) from None

    def _prove(self, deleted: Deleted, *, as_json: bool) -> int:
        """Search for what is left and report it; return the exit code."""
        try:
            found = traces.search(deleted.marks)
        except BrokerAwayError:
            found = Search(0, {"messages": 1})
        if as_json:
            fields = {name: value for name, value in asdict(deleted).items() if name != "marks"}
            self.stdout.write(json.dumps(fields | {"searched_tables": found.tables, "left": found.left}))
        else:
            self._list(deleted.rows, deleted.accounts)
            self.stdout.write(f"{deleted.files:>10} files, {deleted.messages} messages")
            self._tell(deleted.marks.slug, found)
        return SOMETHING_LEFT if found.left else NOTHING_LEFT

    def _tell(self, slug: str, found: Search) -> None:
        if not found.left:
            where = f"{found.tables} tables, the folders and the queues of the broker"
            self.stdout.write(f"Nothing is left of {slug}: {where} were searched.")
            return
        for name, number in found.left.items():
            self.stderr.write(f"left of {slug}: {number} in {name}")

    def _list(self, rows: dict[str, int], accounts: list[str] | tuple[str, ...]) -> None:
        for name, number in sorted(rows.items()):
            self.stdout.write(f"{number:>10} {name}")
        for email in accounts:
            self.stdout.write(f"account: {email}")


def _tenant_of(slug: str) -> Tenant:
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        left = [f"{number} in {name}" for name, number in traces.without_tenant(slug).items()]
        found = ", ".join(left) or "nothing"
        raise CommandError(f"There is no tenant “{slug}”. Left of deleted tenants: {found}.", returncode=REFUSED)
    return tenant
