"""Seen hashes: which of King's bytes were processed before, in 16 bytes per record."""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING

import psycopg
from django.db import connection

from kingsync.database import sessions
from kingsync.models import tenants

if TYPE_CHECKING:
    from typing_extensions import Buffer

_HASH = struct.Struct(">QQ")
# One value of 16 bytes a record: fetching a hundred thousand rows would take longer than comparing them.
_KNOWN = """
    SELECT string_agg(uuid_send(source_hash), ''::bytea ORDER BY source_hash) FROM kingsync_recordlink
    WHERE tenant_id = %s AND administration_id = %s AND kind = %s AND source_hash IS NOT NULL AND state <> 'deleted'
"""


def digest_of(raw: Buffer) -> bytes:
    """Return a 16-byte digest of the content."""
    return blake2b(raw, digest_size=16).digest()


class SeenHashes:
    """A sorted set of hashes that remembers which were seen, in 17 bytes a record instead of about 80."""

    def __init__(self) -> None:
        self._high, self._low, self._is_seen = array("Q"), array("Q"), bytearray()

    @classmethod
    def of_kind(cls, kind: str) -> SeenHashes:
        """Return the hashes of all records of a RecordKind that the current tenant has links of."""
        found = cls()
        hashes = array("Q", _stored(kind))
        if sys.byteorder == "little":
            hashes.byteswap()
        found._high, found._low = hashes[0::2], hashes[1::2]
        found._is_seen = bytearray(len(found._high))
        return found

    def __len__(self) -> int:
        return len(self._high)

    def mark_seen_all(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether these bytes were processed before, and mark those as seen."""
        high, low, is_seen, count = self._high, self._low, self._is_seen, len(self._high)
        found = []
        for digest in digests:  # one loop: it runs for every record of every scan
            wanted, rest = _HASH.unpack(digest)
            index = bisect_left(high, wanted)
            while index < count and high[index] == wanted and low[index] != rest:
                index += 1
            is_known = index < count and high[index] == wanted
            if is_known:
                is_seen[index] = 1
            found.append(is_known)
        return found

    def unseen(self) -> Iterator[bytes]:
        """Return the hashes that were not seen."""
        if 0 not in self._is_seen:
            return
        for index, is_seen in enumerate(self._is_seen):
            if not is_seen:
                yield _HASH.pack(self._high[index], self._low[index])

    def mark_seen_except(self, unseen: bytes) -> None:
        """Continue where an earlier part of the same scan stopped: only these, joined, were unseen by then."""
        seen_before = SeenHashes()
        seen_before._high, seen_before._low = self._high, self._low
        seen_before._is_seen = bytearray(len(self))
        seen_before.mark_seen_all(unseen[start : start + _HASH.size] for start in range(0, len(unseen), _HASH.size))
        self._is_seen = bytearray(not is_seen for is_seen in seen_before._is_seen)


def _stored(kind: str) -> bytes:
    connection.ensure_connection()
    sessions.default().take_scope()
    # In binary form, which Django's own cursors do not offer: as text it would be twice the size.
    with psycopg.Cursor(connection.connection) as cursor:
        found = cursor.execute(
            _KNOWN, [tenants.current_id(), tenants.current_administration_id(), kind], binary=True
        ).fetchone()
    return bytes(found[0] or b"") if found else b""
