"""Retried calls, within one time limit for all tries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from integrations import deadlines, errors
from kingsync.runs.retry import with_retry


class Other:
    """A system that fails this many times before it works, and the waits in between."""

    def __init__(self, *failures: errors.IntegrationError) -> None:
        self._failures = list(failures)
        self.calls = 0
        self.waits: list[float] = []

    def __call__(self) -> str:
        self.calls += 1
        if self._failures:
            raise self._failures.pop(0)
        return "done"


def busy(retry_after: float | None = None) -> errors.RateLimitError:
    return errors.RateLimitError(system="king", operation="Order_Wijzigen", retry_after=retry_after)


def unreachable(reason: str = "unreachable") -> errors.UnreachableError:
    return errors.UnreachableError(system="king", operation="Order_Wijzigen", reason=reason)


def test_what_was_surely_not_carried_out_is_made_again() -> None:
    other = Other(unreachable(), busy())

    assert with_retry(other, sleep=other.waits.append, random=lambda: 1.0) == "done"
    assert other.waits == [1.0, 2.0]


def test_the_time_that_the_other_side_asks_for_is_waited_in_full() -> None:
    other = Other(busy(45.0), busy(0.0))

    assert with_retry(other, sleep=other.waits.append, random=lambda: 1.0) == "done"
    assert other.waits == [45.0, 0.0]


def test_more_time_than_an_operation_has_is_left_to_the_run() -> None:
    other = Other(busy(3600.0))
    with pytest.raises(errors.RateLimitError) as caught:
        with_retry(other, sleep=other.waits.append, random=lambda: 1.0)

    assert caught.value.retry_after == 3600.0
    assert (other.calls, other.waits) == (1, [])


def test_a_limit_around_it_counts_for_all_tries() -> None:
    other = Other(unreachable(), unreachable())
    with deadlines.within(0.5), pytest.raises(errors.UnreachableError):
        with_retry(other, sleep=other.waits.append, random=lambda: 1.0)

    assert other.calls == 1


@pytest.mark.parametrize("reason", ["certificate", "forbidden_address", "too_large"])
def test_what_will_be_the_same_again_is_not_made_again(reason: str) -> None:
    other = Other(unreachable(reason))
    with pytest.raises(errors.UnreachableError):
        with_retry(other, sleep=other.waits.append, random=lambda: 1.0)

    assert other.calls == 1


def unknown() -> errors.IntegrationError:
    return errors.OutcomeUnknownError(system="king", operation="Order_Wijzigen")


def refused() -> errors.IntegrationError:
    return errors.RejectedError(system="king", operation="Order_Wijzigen")


@pytest.mark.parametrize("failure", [unknown, refused])
def test_what_may_have_been_carried_out_or_was_refused_is_not_made_again(
    failure: Callable[[], errors.IntegrationError],
) -> None:
    other = Other(failure())
    with pytest.raises(errors.IntegrationError):
        with_retry(other, sleep=other.waits.append, random=lambda: 1.0)

    assert other.calls == 1
