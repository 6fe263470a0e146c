"""The licence of a tenant, the operator's section of the tenant file."""

from __future__ import annotations

import datetime

from kingsync.rules.mapping import Section

# How long before its end the owners see it coming.
NOTICE = datetime.timedelta(days=14)


class Licence(Section, frozen=True, kw_only=True):
    """Without an active licence nothing runs; `until` is its last day."""

    active: bool = True
    until: datetime.date | None = None

    def is_active_on(self, day: datetime.date) -> bool:
        return self.active and (self.until is None or day <= self.until)

    def ends_soon(self, day: datetime.date) -> bool:
        """Return whether it is active and its last day is near."""
        return self.is_active_on(day) and self.until is not None and self.until - day <= NOTICE
