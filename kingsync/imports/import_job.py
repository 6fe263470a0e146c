"""The systems, log and settings of one import run."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.king.reader import KingReader
from integrations.outsmart.client import Client as OutSmartClient
from kingsync.rules.mapping import Imports
from kingsync.runs.lifecycle import Claim
from kingsync.runs.run_log import RunLog


@dataclass
class Job:
    """The run's claim and log, the tenant's settings, and both systems."""

    claim: Claim
    choices: Imports
    king: KingReader
    outsmart: OutSmartClient
    log: RunLog
