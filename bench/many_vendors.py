"""Many Kings and OutSmarts in one process: `python -m bench.many_vendors COMPANIES LATENCY_MS ORDERS`.

Prints one line of JSON, a pair of addresses for each company, each with so many work orders at the trigger. Ends with
its standard input.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack

import msgspec

from bench import jobs
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox


class Vendors(msgspec.Struct, frozen=True):
    """The addresses of one company's systems."""

    king: str
    outsmart: str


def main() -> None:
    """Serve until nobody needs it any more."""
    companies, latency_ms, orders = map(int, sys.argv[1:])
    with ExitStack() as stack:
        made = [_company(stack, latency_ms / 1000, orders) for _ in range(companies)]
        sys.stdout.write(msgspec.json.encode(made).decode() + "\n")
        sys.stdout.flush()
        sys.stdin.read()


def _company(stack: ExitStack, latency_seconds: float, orders: int) -> Vendors:
    king, outsmart = stack.enter_context(KingSandbox(empty=True)), stack.enter_context(OutSmartSandbox(empty=True))
    for kind, number, fields in jobs.MASTERS:
        king.store.put_record(kind, number, fields)
    outsmart.store.load_work_orders([jobs.work_order(number) for number in range(100_001, 100_001 + orders)])
    king.faults.latency_seconds = latency_seconds
    return Vendors(king.address, outsmart.address)


if __name__ == "__main__":
    main()
