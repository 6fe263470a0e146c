"""Where a scan of one kind begins, how far it is, and what it leaves for the next one."""

from __future__ import annotations

import datetime
import functools
from typing import Any

import msgspec
from django.utils import timezone

from integrations.king.reader import Coverage, KingReader
from kingsync.imports.seen_hashes import SeenHashes
from kingsync.king_mirror import mirror
from kingsync.models import tenants
from kingsync.models.import_kinds import MasterData
from kingsync.models.links import ReadState, RecordLink
from kingsync.runs.lifecycle import Claim

# King's clock and ours may differ, and a record may be stored while a page is read.
OVERLAP = datetime.timedelta(minutes=10)
FULL_SCAN_AFTER = datetime.timedelta(hours=24)


class Cursor(msgspec.Struct, kw_only=True):
    """How far the scan of `kind` is; part of `SyncRun.cursor`. Times are ISO text.

    `is_whole`: everything so far could be read, from the first page on. `is_over`: the last page was read. `is_read`:
    staged records are being written. `is_over_limit`: they are discarded, and a person is asked. `is_first`: nothing of
    the kind was in OutSmart when it began. `unseen_saved_at`: the `after` for which ReadState.unseen holds. `changed`
    and `deactivated` count for the change limit.
    """

    kind: str
    began: str
    since: str | None = None
    after: str | None = None
    done: int = 0
    is_whole: bool = True
    is_over: bool = False
    is_read: bool = False
    is_first: bool = False
    is_over_limit: bool = False
    unseen_saved_at: str | None = None
    changed: int = 0
    deactivated: int = 0


class Scan:
    """One scan of King's records of a kind, which may take several slices and survives a crash."""

    def __init__(self, claim: Claim, kind: MasterData, reader: KingReader) -> None:
        self._claim, self._kind, self._reader = claim, kind, reader
        self._state = ReadState.objects.filter(purpose=kind.name, kind=kind.king_kind.value).first()
        stored = self._stored_cursor()
        self.is_new = stored is None
        self.cursor = stored or self._new_cursor()
        # Under other settings the same bytes may become another row.
        self.skips_seen = self._state is not None and self._state.settings_version == claim.run.settings_version

    @property
    def changed_since(self) -> datetime.datetime | None:
        return _moment(self.cursor.since)

    @property
    def is_full(self) -> bool:
        return self.cursor.since is None

    @property
    def is_proof(self) -> bool:
        """True when what this scan did not see is no longer in King."""
        covers_all = self._reader.covers(self._kind.king_kind) is Coverage.ALL
        return self.is_full and self.cursor.is_whole and covers_all

    @property
    def expected_total(self) -> int | None:
        """The approximate number of records, for the progress bar: as many as last time; None if unknown."""
        if not self.is_full or self._state is None or self._state.complete_at is None:
            return None
        return len(self.seen_hashes)

    def as_cursor(self) -> dict[str, object]:
        """Return the run's cursor, to be stored with the counts."""
        scan = msgspec.to_builtins(self.cursor)
        return {"finished": self._claim.run.cursor.get("finished", []), "pass": scan}

    def save_unseen(self) -> None:
        """Store what the scan has not seen yet, so that another slice can continue."""
        if self.is_full and not self._claim.run.is_dry:
            self._store(unseen=b"".join(self.seen_hashes.unseen()))
            self.cursor.unseen_saved_at = self.cursor.after

    def finish(self) -> None:
        """Save that the scan is over."""
        if self._claim.run.is_dry:
            return
        changes: dict[str, Any] = {"unseen": None}
        if self._reader.covers(self._kind.king_kind) is Coverage.ALL:
            changes["settings_version"] = self._claim.run.settings_version
            changes["changed_until"] = _moment(self.cursor.began)
            if self.is_full:
                changes["complete_at"] = _moment(self.cursor.began)
                mirror.mark_filled(self._kind.king_kind)
        self._store(**changes)

    def _stored_cursor(self) -> Cursor | None:
        found = self._claim.run.cursor.get("pass")
        if not isinstance(found, dict) or found.get("kind") != self._kind.name:
            return None
        return msgspec.convert(found, Cursor)

    def _new_cursor(self) -> Cursor:
        began = timezone.now()
        since = self._since(began)
        # In a second administration OutSmart has the records of the first: what would change is compared and counted.
        is_first = not RecordLink.across_administrations.filter(kind__in=self._kind.posted).exclude(sent="").exists()
        return Cursor(
            kind=self._kind.name,
            began=began.isoformat(),
            since=since.isoformat() if since else None,
            is_first=is_first,
        )

    def _since(self, now: datetime.datetime) -> datetime.datetime | None:
        """Return the moment since which changes are enough; None = everything must be read."""
        state = self._state
        if self._claim.run.options.get("full") or state is None or state.changed_until is None:
            return None
        if state.settings_version != self._claim.run.settings_version:
            return None
        if state.complete_at is None or now - state.complete_at > FULL_SCAN_AFTER:
            return None
        return state.changed_until - OVERLAP

    @functools.cached_property
    def seen_hashes(self) -> SeenHashes:
        """Return the hashes of what was processed before."""
        if self.cursor.is_read:
            return SeenHashes()
        found = SeenHashes.of_kind(self._kind.primary)
        if (self.cursor.after or self.cursor.is_over) and self.is_full:
            if self._state is None or self._state.unseen is None or self.cursor.unseen_saved_at != self.cursor.after:
                self.cursor.is_whole = False  # an earlier slice was killed before it could store what it had seen
            else:
                found.mark_seen_except(bytes(self._state.unseen))
        return found

    def _store(self, **changes: Any) -> None:
        ReadState.objects.update_or_create(
            tenant_id=tenants.current_id(), purpose=self._kind.name, kind=self._kind.king_kind.value, defaults=changes
        )


def _moment(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None
