"""A process that is frozen between saving a write to King and sending it does not send it when it wakes.

Its successor waited for as long as a write may take from when it was saved, looked in King and found nothing: what
arrived then would be there twice.
"""

from __future__ import annotations

import itertools
import math
import time
from types import SimpleNamespace
from typing import Any

import pytest

from integrations import deadlines, sockets
from kingsync.exports import ledger
from kingsync.exports.export_job import OUTCOME_UNKNOWN_FACTOR
from kingsync.models.runs import RunStatus
from kingsync.models.tenants import Tenant
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

pytestmark = pytest.mark.django_db(transaction=True)
WRITE_SECONDS = 100.0
# Between saving and sending: less and it is sent, more and it would still run when nobody waits for it any longer.
SLACK = WRITE_SECONDS * (OUTCOME_UNKNOWN_FACTOR - 1)
# Create, four lines, approve.
WRITES = range(6)


class Freezing:
    """Freezes the process right after it saved its n-th write, by the clock of deadlines, and counts King's calls."""

    def __init__(self, king: KingSandbox, nth: int, seconds: float) -> None:
        self._king, self._nth, self._seconds = king, nth, seconds
        self._save, self._frozen_for = ledger.extend_outcome_unknown, 0.0
        self.calls_at_saves: list[int] = []

    def monotonic(self) -> float:
        return time.monotonic() + self._frozen_for

    def save(self, *arguments: Any, **named: Any) -> None:
        self._save(*arguments, **named)
        if len(self.calls_at_saves) == self._nth:
            self._frozen_for += self._seconds
        self.calls_at_saves.append(len(scenario.calls(self._king)))

    def freeze(self, seconds: float) -> None:
        self._frozen_for += seconds

    def save_slowly(self, *arguments: Any, **named: Any) -> None:
        self._save(*arguments, **named)
        self._frozen_for += self._seconds

    @property
    def sent_after(self) -> int:
        """Return how many calls went out between the write that was frozen and the next one that was saved."""
        return self.calls_at_saves[self._nth + 1] - self.calls_at_saves[self._nth]


@pytest.fixture
def work_order(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox, settings: Any) -> str:
    settings.KING_WRITE_TIMEOUT = WRITE_SECONDS
    scenario.stock(king)
    factories.settings(tenant, approve_order=True)
    return scenario.work_order(outsmart)


@pytest.mark.parametrize("nth", WRITES)
def test_it_is_saved_again_before_it_is_sent(
    work_order: str, king: KingSandbox, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    freezing = Freezing(king, nth, seconds=SLACK + 1)
    monkeypatch.setattr(ledger, "extend_outcome_unknown", freezing.save)
    monkeypatch.setattr(deadlines, "time", SimpleNamespace(monotonic=freezing.monotonic))

    run = scenario.export()

    assert freezing.sent_after == 0
    assert (run.status, len(scenario.orders(king))) == (RunStatus.SUCCEEDED, 1)
    assert len(freezing.calls_at_saves) == len(WRITES) + 1
    assert scenario.is_clean(king)


@pytest.mark.parametrize("piece", [0, 1])
@pytest.mark.parametrize("nth", WRITES)
def test_frozen_before_a_piece_of_its_request_nothing_of_it_is_carried_out(
    work_order: str, king: KingSandbox, monkeypatch: pytest.MonkeyPatch, nth: int, piece: int
) -> None:
    """It has passed every earlier look at the time by then: headers and body go out one after the other."""
    freezing = Freezing(king, len(WRITES) + 1, seconds=0)
    pieces, usual = itertools.count(), sockets.LimitedSocket.sendall

    def frozen_before(to: sockets.LimitedSocket, *arguments: Any) -> None:
        is_of_it = deadlines.seconds_to_begin() < math.inf and len(freezing.calls_at_saves) == nth + 1
        if is_of_it and next(pieces) == piece:
            freezing.freeze(SLACK + 1)
        usual(to, *arguments)

    monkeypatch.setattr(ledger, "extend_outcome_unknown", freezing.save)
    monkeypatch.setattr(deadlines, "time", SimpleNamespace(monotonic=freezing.monotonic))
    monkeypatch.setattr(sockets.LimitedSocket, "sendall", frozen_before)

    run = scenario.export()

    assert (run.status, len(scenario.orders(king))) == (RunStatus.SUCCEEDED, 1)
    assert len(freezing.calls_at_saves) == len(WRITES) + 1  # saved once more before it was sent
    assert len(scenario.lines(scenario.orders(king)[0])) == 4
    assert scenario.is_clean(king)


def test_a_short_pause_costs_nothing(work_order: str, king: KingSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    freezing = Freezing(king, 1, seconds=SLACK / 2)
    monkeypatch.setattr(ledger, "extend_outcome_unknown", freezing.save)
    monkeypatch.setattr(deadlines, "time", SimpleNamespace(monotonic=freezing.monotonic))

    scenario.export()

    assert len(freezing.calls_at_saves) == len(WRITES)
    assert freezing.sent_after == 1


def test_a_database_that_saves_too_slowly_is_named_and_nothing_is_sent(
    work_order: str, king: KingSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Freezing(king, 0, seconds=SLACK + 1)
    with monkeypatch.context() as slow:
        slow.setattr(ledger, "extend_outcome_unknown", database.save_slowly)
        slow.setattr(deadlines, "time", SimpleNamespace(monotonic=database.monotonic))
        failed = scenario.export()

    assert (failed.status, failed.error["code"]) == (RunStatus.FAILED, "system.begun_late")
    assert scenario.orders(king) == []
    assert scenario.export().status == RunStatus.SUCCEEDED
    assert scenario.is_clean(king)
