"""Seen hashes: which of King's bytes were processed before, in 16 bytes per record."""

from __future__ import annotations

import functools
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

import psycopg
from django.db import connection

from kingsync.database import sessions
from kingsync.models import tenants

if TYPE_CHECKING:
    from typing_extensions import Buffer

_SIZE = 16
# One value of 16 bytes a record: fetching a hundred thousand rows would take longer than comparing them.
_KNOWN = """
    SELECT string_agg(uuid_send(source_hash), ''::bytea ORDER BY source_hash) FROM kingsync_recordlink
    WHERE tenant_id = %s AND administration_id = %s AND kind = %s AND source_hash IS NOT NULL AND state <> 'deleted'
"""


def digest_of(raw: Buffer) -> bytes:
    """Return a 16-byte digest of the content."""
    return blake2b(raw, digest_size=_SIZE).digest()


class SeenHashes:
    """A sorted set of hashes that remembers which were seen, in 17 bytes a record instead of about 80.

    Hashes are spread evenly, so their first bits tell nearly where they are: a search among a few, not by halves.
    """

    def __init__(self, joined: bytes = b"") -> None:
        self._joined, self._is_seen = joined, bytearray(len(joined) // _SIZE)

    @classmethod
    def of_kind(cls, kind: str) -> SeenHashes:
        """Return the hashes of all records of a RecordKind that the current tenant has links of."""
        return cls(_stored(kind))

    def __len__(self) -> int:
        return len(self._is_seen)

    def mark_seen_all(self, digests: Iterable[bytes]) -> list[bool]:
        """Return for each digest whether these bytes were processed before, and mark those as seen."""
        places, is_seen = self._places(digests), self._is_seen
        for place in places:
            if place >= 0:
                is_seen[place] = 1
        return [place >= 0 for place in places]

    def unseen(self) -> Iterator[bytes]:
        """Return the hashes that were not seen."""
        place = self._is_seen.find(0)
        while place >= 0:
            yield self._joined[place * _SIZE : (place + 1) * _SIZE]
            place = self._is_seen.find(0, place + 1)

    def mark_seen_except(self, unseen: bytes) -> None:
        """Continue where an earlier part of the same scan stopped: only these, joined, were unseen by then."""
        self._is_seen = bytearray(b"\x01") * len(self)
        for place in self._places(unseen[start : start + _SIZE] for start in range(0, len(unseen), _SIZE)):
            if place >= 0:
                self._is_seen[place] = 0

    def _places(self, digests: Iterable[bytes]) -> list[int]:
        """Return the index of each, -1 for those that are not among the hashes."""
        if not self._joined:
            return [-1 for _ in digests]
        starts, shift, find = self._starts, self._shift, self._joined.find
        found = []
        for digest in digests:  # one loop: it runs for every record of every scan
            first = (digest[0] << 8 | digest[1]) >> shift
            offset = find(digest, starts[first], starts[first + 1])
            while offset % _SIZE and offset >= 0:  # the end of one and the beginning of the next
                offset = find(digest, offset + 1, starts[first + 1])
            found.append(offset // _SIZE)
        return found

    @functools.cached_property
    def _shift(self) -> int:
        """How many of the first 16 bits are not looked at: about four hashes have the others in common."""
        return 16 - min(max(len(self).bit_length() - 2, 0), 16)

    @functools.cached_property
    def _starts(self) -> array[int]:
        """Where the hashes with the same first bits begin, and where the last of them end."""
        firsts = zip(self._joined[0::_SIZE], self._joined[1::_SIZE], strict=True)
        counts = Counter((high << 8 | low) >> self._shift for high, low in firsts)
        return array("Q", accumulate((_SIZE * counts[first] for first in range(1 << 16 - self._shift)), initial=0))


def _stored(kind: str) -> bytes:
    connection.ensure_connection()
    sessions.default().take_scope()
    # In binary form, which Django's own cursors do not offer: as text it would be twice the size.
    with psycopg.Cursor(connection.connection) as cursor:
        found = cursor.execute(
            _KNOWN, [tenants.current_id(), tenants.current_administration_id(), kind], binary=True
        ).fetchone()
    return bytes(found[0] or b"") if found else b""
