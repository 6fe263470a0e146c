"""Seen hashes: which of King's bytes were processed before, whatever their number and order."""

from __future__ import annotations

import random

import pytest

from kingsync.imports.seen_hashes import SeenHashes


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 1_000, 70_000])
def test_every_hash_is_found_and_no_other(count: int) -> None:
    chance = random.Random(count)
    known = [chance.randbytes(16) for _ in range(count)]
    hashes = SeenHashes(b"".join(sorted(known)))

    assert len(hashes) == count
    assert hashes.mark_seen_all(chance.randbytes(16) for _ in range(50)) == [False] * 50
    assert sorted(hashes.unseen()) == sorted(known)
    assert hashes.mark_seen_all(known[1:]) == [True] * len(known[1:])
    assert list(hashes.unseen()) == known[:1]


def test_what_an_earlier_part_of_the_scan_left_unseen_is_unseen() -> None:
    known = [bytes([first, *range(15)]) for first in range(200)]
    hashes = SeenHashes(b"".join(known))

    hashes.mark_seen_except(b"".join([known[3], bytes(16), known[199]]))

    assert list(hashes.unseen()) == [known[3], known[199]]


def test_the_end_of_one_hash_and_the_beginning_of_the_next_are_not_a_hash() -> None:
    first, last = bytes(3) + bytes([0x11] * 13), bytes(2) + bytes([0x22] * 14)
    across = first[1:] + last[:1]

    assert SeenHashes(first + last).mark_seen_all([across]) == [False]
    hashes = SeenHashes(first + across + last)
    assert hashes.mark_seen_all([across]) == [True]
    assert list(hashes.unseen()) == [first, last]
