"""What a scan of King's open orders does not find: orders that should have been there."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping

from django.utils import timezone

from integrations import errors
from integrations.king.reader import Coverage, KingReader
from integrations.king.records import Kind
from kingsync.imports import seen_hashes
from kingsync.imports.orders import order_links
from kingsync.models import tenants
from kingsync.models.import_kinds import ORDERS
from kingsync.models.links import ReadState, RecordLink

PURPOSE = ORDERS.name
# Each costs a call to King; the next run continues.
ASKED_AT_MOST = 50
_HASH_BYTES = 16


class OrderScan:
    """One scan, which may take several slices: in between, the database holds what is still unseen.

    Only if reading all pages proves that an unseen order is not open. A killed slice has stored nothing, and a dry run
    never does: then this scan proves nothing, and the next one will.
    """

    def __init__(self, king: KingReader, *, is_dry: bool) -> None:
        self._king, self._is_dry = king, is_dry
        self._unseen: set[bytes] | None = None
        self._began_at = timezone.now()

    def begin(self) -> None:
        if self._proves_absence():
            self._unseen = set(map(_digest, order_links.waiting_for_work().values_list("king_id", flat=True)))

    def go_on(self) -> None:
        """Continue with what an earlier slice stored."""
        state = None if self._is_dry else ReadState.objects.filter(purpose=PURPOSE, kind=Kind.ORDER.value).first()
        if state and state.unseen is not None:
            content = bytes(state.unseen)
            self._unseen = {content[at : at + _HASH_BYTES] for at in range(0, len(content), _HASH_BYTES)}

    def mark_seen(self, numbers: Iterable[str]) -> None:
        if self._unseen:
            self._unseen.difference_update(map(_digest, numbers))

    def cannot_be_sure(self) -> None:
        """Give up on this scan: it contained an order whose number could not be read."""
        self._unseen = None

    def remember(self) -> bool:
        """Store what is still unseen for the next slice; return False when there is nothing to go by."""
        if self._unseen is None or self._is_dry:
            return False
        self._store({"unseen": b"".join(self._unseen)})
        return True

    def missing(self) -> Iterator[RecordLink]:
        """Yield orders that the finished scan did not see and that King, when asked, does not show as open either."""
        if not self._unseen or not self._proves_absence():
            return
        waiting = order_links.waiting_for_work().order_by("king_id").values_list("king_id", flat=True)
        unseen = (number for number in waiting.iterator() if _digest(number) in (self._unseen or ()))
        links = order_links.of(itertools.islice(unseen, ASKED_AT_MOST))
        yield from (link for number, link in links.items() if not self._is_open(number))

    def end(self) -> None:
        is_complete = self._unseen is not None
        self._store({"unseen": None} | ({"complete_at": self._began_at} if is_complete else {}))

    def _proves_absence(self) -> bool:
        return self._king.covers(Kind.ORDER) is Coverage.ALL

    def _is_open(self, number: str) -> bool:
        """Ask King once more: the order may have been reopened, or have moved meanwhile. A file cannot be asked."""
        if not self._king.can_look_up:
            return False
        try:
            return self._king.get_order(number=number) is not None
        except errors.PayloadError:
            return True  # it is there, whatever it contains

    def _store(self, changes: Mapping[str, datetime.datetime | bytes | None]) -> None:
        if not self._is_dry:
            ReadState.objects.update_or_create(
                tenant_id=tenants.current_id(), purpose=PURPOSE, kind=Kind.ORDER.value, defaults=changes
            )


def _digest(number: str) -> bytes:
    return seen_hashes.digest_of(number.encode())
