"""Pages that are fetched and made ready in threads, while the caller works on those before them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from kingsync.king_mirror import prefetch
from kingsync.king_mirror.prefetch import prefetched
from tests import patience


class BrokenError(Exception):
    pass


def broken_after(number: int) -> Iterator[int]:
    yield from range(number)
    raise BrokenError


@pytest.mark.parametrize("is_early", [True, False])
def test_every_page_is_transformed_and_comes_in_order(is_early: bool) -> None:
    with prefetched(range(50), str, is_early=is_early) as pages:
        assert list(pages) == [str(number) for number in range(50)]


def test_the_next_call_does_not_wait_until_a_page_is_made_ready() -> None:
    second = threading.Event()

    def fetched() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    def transform(page: int) -> bool:
        return second.wait(patience.SECONDS) if page == 1 else True

    with prefetched(fetched(), transform, is_early=True) as pages:
        assert list(pages) == [True, True]


@pytest.mark.parametrize("is_early", [True, False])
def test_an_error_comes_where_its_page_would_have_come(is_early: bool) -> None:
    with prefetched(broken_after(3), str, is_early=is_early) as pages:
        found = [next(pages) for _page in range(3)]
        with pytest.raises(BrokenError):
            next(pages)

    assert found == ["0", "1", "2"]


@pytest.mark.parametrize("is_early", [True, False])
def test_an_error_in_making_a_page_ready_ends_the_threads(is_early: bool) -> None:
    def transform(page: int) -> int:
        if page == 1:
            raise BrokenError
        return page

    with pytest.raises(BrokenError), prefetched(itertools.count(), transform, is_early=is_early) as pages:
        list(pages)

    assert not fetching()


@pytest.mark.parametrize("is_early", [True, False])
def test_who_leaves_early_ends_the_threads_after_the_call_they_are_in(is_early: bool) -> None:
    calls = []

    def fetched() -> Iterator[int]:
        for number in itertools.count():
            calls.append(number)
            yield number

    with prefetched(fetched(), str, is_early=is_early, at_most=3) as pages:
        first = next(pages)
    made = len(calls)

    assert (first, fetching()) == ("0", [])
    assert len(calls) == made <= 1 + 3 + 3 + 3  # read, kept by each stage, and in the hands of each


def test_who_leaves_while_a_page_is_awaited_waits_for_that_call_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()
    calls = []

    def fetched() -> Iterator[int]:
        for number in itertools.count():
            calls.append(number)
            if number:
                is_asked.set()
                may_answer.wait(patience.SECONDS)
            yield number

    join = prefetch._Stage.join

    def answered(stage: prefetch._Stage[object]) -> None:
        may_answer.set()
        join(stage)

    monkeypatch.setattr(prefetch._Stage, "join", answered)
    with prefetched(fetched(), str, is_early=True) as pages:
        next(pages)
        assert is_asked.wait(patience.SECONDS)

    assert (calls, fetching()) == ([0, 1], [])


def fetching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fetch-ahead"]
