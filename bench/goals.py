"""The goals of imports and of starts, by the rows of the tables in docs/performance.md; a test compares them."""

from __future__ import annotations

FIRST = "first import (read, compare, post, store) ÷ the bare loop that fetches, parses and posts"
UNCHANGED = "nothing changed, everything read ÷ fetching and parsing alone"
CHANGED = "1 % changed, everything read ÷ fetching and parsing alone"
DLT_POSTING = "dlt's first load ÷ our first import, posting to OutSmart included"
DLT_LOAD = "dlt's first load ÷ our own load of the same pages into PostgreSQL only"
DLT_AGAIN = "dlt's load ÷ our import, nothing changed or 1 % changed"
MEMORY = "peak memory, MiB"
MEMORY_GROWTH = "peak memory, 400 000 ÷ 100 000 products"
OVERLAP = "50 ms a page, OutSmart at once or 20 ms a batch ÷ the longer of reading and posting alone"
START = "start of a command, seconds of processor time"

AT_MOST = {
    FIRST: 2.5,
    UNCHANGED: 1.4,
    CHANGED: 1.6,
    MEMORY: 150,
    MEMORY_GROWTH: 1.2,
    OVERLAP: 1.15,
    START: 0.7,
}
AT_LEAST = {DLT_POSTING: 2.5, DLT_LOAD: 6, DLT_AGAIN: 5}
