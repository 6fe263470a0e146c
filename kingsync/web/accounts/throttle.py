"""Throttling of wrong passwords, codes and e-mails, counted so that strangers cannot lock anyone out.

A try counts against what a stranger cannot use up for the right person: the account from this IP address, or the
account on a device that logged in before (`known_devices`). All unknown devices together, and all tries from an IP
address together, have limits too, far above what people mistype.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from kingsync.models.accounts.login_tries import LoginTry

WINDOW, HOUR, DAY = datetime.timedelta(minutes=15), datetime.timedelta(hours=1), datetime.timedelta(days=1)
LONGEST = DAY


class TooManyTriesError(Exception):
    """No more tries for one of these subjects before `again_at`."""

    def __init__(self, again_at: datetime.datetime) -> None:
        super().__init__(again_at)
        self.again_at = again_at


@dataclass(frozen=True)
class Limit:
    """How many tries a subject has within a window."""

    subject: str
    most: int
    window: datetime.timedelta = WINDOW

    @property
    def key(self) -> str:
        return hashlib.sha256(self.subject.lower().encode()).hexdigest()

    def again_at(self, *, now: datetime.datetime) -> datetime.datetime | None:
        """Return when there is room for another try; None when there was for the last one."""
        recent = LoginTry.objects.filter(key=self.key, at__gte=now - self.window).order_by("-at", "-pk")
        newest = list(recent.values_list("at", flat=True)[: self.most + 1])
        return newest[self.most] + self.window if len(newest) > self.most else None


def record_try(*limits: Limit) -> list[int]:
    """Count a try against each subject before it is made, so that simultaneous tries cannot slip through.

    Returns what `forgive` takes back when the password was right. Raises `TooManyTriesError`; such a try is not
    counted, so that waiting helps.
    """
    now = timezone.now()
    LoginTry.objects.filter(at__lt=now - LONGEST).delete()
    booked = [row.pk for row in LoginTry.objects.bulk_create([LoginTry(key=limit.key, at=now) for limit in limits])]
    waits = [again_at for limit in limits if (again_at := limit.again_at(now=now))]
    if waits:
        forgive(booked)
        raise TooManyTriesError(max(waits))
    return booked


def forgive(booked: list[int]) -> None:
    LoginTry.objects.filter(pk__in=booked).delete()


def forget(*limits: Limit) -> None:
    """Reset the count of subjects that have proved who they are."""
    LoginTry.objects.filter(key__in=[limit.key for limit in limits]).delete()


def address_of(request: HttpRequest | None) -> str:
    """Return the IP address of the request; "" if a proxy hides it.

    In production there is a proxy in front: its own address would be everyone's, and what it appended last to
    X-Forwarded-For is the only part that a visitor cannot forge.
    """
    if request is None:
        return ""
    if settings.IS_DEVELOPMENT:
        return _network(request.META["REMOTE_ADDR"])
    return _network(request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip())


def _network(text: str) -> str:
    """Return an address without its port; for IPv6 the network, since one visitor has all addresses in it."""
    bare = text.rpartition("]")[0].lstrip("[") if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network(f"{address}/64", strict=False))
