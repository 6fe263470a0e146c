"""The product's settings, with a slice that can be short, so that taking turns shows within seconds."""

from __future__ import annotations

import os

from kingsync.settings import *  # noqa: F403

if "BENCH_SLICE_SECONDS" in os.environ:
    RUN_SLICE_SECONDS = float(os.environ["BENCH_SLICE_SECONDS"])  # type: ignore[assignment]
