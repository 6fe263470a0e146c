"""One call at a time for each King administration, across all processes and machines.

A turn is a row with a holder and an end. It is kept from call to call while no one waits, so a lone export pays nothing
for it: a thread of the process checks twice a second, on a session of its own, whether anyone waits for one of its
turns, and extends them (`kingsync.runs.keeping.turn_desk`). It is given up at the end of a call when someone waits, and
when its holder makes no calls. docs/decisions/0010.
"""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.db.models import Q
from django.db.models.functions import Now

from integrations import deadlines, errors
from kingsync.database import lending
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import administration_key
from kingsync.models.turns import Caller, KingTurn, KingTurnRequest
from kingsync.runs import processes
from kingsync.runs.keeping import turn_desk
from kingsync.runs.keeping.turn_desk import now

TURN_HEARTBEAT_SECONDS, LOOK_AGAIN_SECONDS = 5.0, 1.0
# How long each caller waits for the turn: a page must answer, a run has time, verification comes back.
PAGE_PATIENCE_SECONDS, RUN_PATIENCE_SECONDS, VERIFICATION_PATIENCE_SECONDS = 3.0, 300.0, 60.0
_USUAL_PORTS = {"http": 80, "https": 443}


def key_of(connection: Connection) -> str:
    """Return a key that all connections to one administration share, however its address is spelled."""
    return f"{server_of(connection)} {administration_key(connection.administration)}"[:600]


def server_of(connection: Connection) -> str:
    """Return a key that all connections to one King share."""
    parts = urlsplit(connection.base_url.strip())
    scheme, host = parts.scheme.casefold(), (parts.hostname or "").rstrip(".")
    port = parts.port or _USUAL_PORTS.get(scheme, 0)
    return f"{scheme}://{host}:{port}{parts.path.rstrip('/')}"


def forget(*, of: int) -> None:
    """Delete the turns at a tenant's King, and those at addresses that nobody has any more; the next caller makes them.

    What another tenant uses stays, and what someone is using now at an address that is not saved.
    """
    kings = list(Connection.across_tenants.filter(system=System.KING).defer("credentials"))
    used = {key_of(each) for each in kings if each.tenant_id != of}
    own = {key_of(each) for each in kings if each.tenant_id == of}
    for model in (KingTurn, KingTurnRequest):
        model.objects.filter(Q(until__lt=Now()) | Q(key__in=own)).exclude(key__in=used).delete()


class Turn:
    """One caller's turns at one administration. `on_wait` is called now and then while its thread waits for one.

    It is not kept beyond `until`, by `time.monotonic`: a thread that hangs in a call keeps it no longer.
    """

    def __init__(
        self,
        key: str,
        caller: Caller,
        *,
        patience_seconds: float,
        on_wait: Callable[[], None] | None = None,
        until: float = math.inf,
    ) -> None:
        self._patience_seconds, self._on_wait = patience_seconds, on_wait
        self._thread = threading.get_ident()
        self._desk = turn_desk.of_this_process()
        self._place = self._desk.enter(key, caller, f"{processes.name()}/{uuid.uuid4().hex}", until=until)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the turn inside the block; blocks may be nested. Raises `UnreachableError` when it cannot be had."""
        if not self._desk.began(self._place):
            self._wait()
        try:
            yield
        finally:
            self._desk.ended(self._place)

    def close(self) -> None:
        """Give the turn up."""
        self._desk.leave(self._place)

    def _wait(self) -> None:
        """Begin a call as soon as the turn is here."""
        began = told_at = now()
        with self._desk.asked(self._place):
            while not self._desk.began(self._place):
                left = began + self._patience_seconds - now()
                if left < 0:
                    raise self._refused()
                if self._on_wait and self._is_own_thread and now() - told_at > TURN_HEARTBEAT_SECONDS:
                    self._on_wait()
                    told_at = now()
                with lending.parked():
                    self._desk.wait(self._place, min(left, LOOK_AGAIN_SECONDS))
        deadlines.put_off(now() - began)

    @property
    def _is_own_thread(self) -> bool:
        return self._thread == threading.get_ident()

    def _refused(self) -> errors.UnreachableError:
        reason = f"occupied_by_{self._place.busy_with or Caller.EXPORT.value}"
        return errors.UnreachableError(system=System.KING.value, operation="", reason=reason)
