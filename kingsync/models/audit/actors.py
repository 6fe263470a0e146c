"""Who acts now, and from where: set once by what an action came in through, asked for where a fact is recorded."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from django.db import models
from django.utils.translation import gettext_lazy as _


class ActorKind(models.TextChoices):
    PERSON = "person", _("user")
    VISITOR = "visitor", _("not logged in")
    COMMAND = "command", _("command line")
    CLOCK = "clock", _("kingsync itself")


class Person(Protocol):
    """What is recorded of an account."""

    @property
    def pk(self) -> int: ...

    email: str
    name: str


@dataclass(frozen=True)
class Actor:
    """`name` is kept with each entry as it was: accounts are renamed and deleted."""

    kind: ActorKind
    user_id: int | None = None
    name: str = ""
    address: str = ""


By: TypeAlias = "Person | str | None"

_current: ContextVar[Callable[[], Actor] | None] = ContextVar("actor", default=None)

CLOCK = Actor(ActorKind.CLOCK)


@contextmanager
def acting(actor: Actor | Callable[[], Actor]) -> Iterator[None]:
    """Record what happens in the block as done by this actor; a function is called when one is needed."""
    token = _current.set((lambda: actor) if isinstance(actor, Actor) else actor)
    try:
        yield
    finally:
        _current.reset(token)


def current(by: By = None) -> Actor:
    """Return who acts: `by` where the caller knows it (an account, or a name from the command line)."""
    find = _current.get()
    # What neither a page nor a task does, a command does.
    here = find() if find else Actor(ActorKind.COMMAND, name=_system_user())
    if isinstance(by, str):
        return replace(here, name=by if here.name in {"", by} else f"{by} ({here.name})")
    if by is None or by.pk == here.user_id:
        return here
    return person(by, address=here.address)


def person(account: Person, *, address: str = "") -> Actor:
    return Actor(ActorKind.PERSON, account.pk, text_of(account), address)


def text_of(account: Person) -> str:
    """Return an account as the trail names it."""
    return f"{account.name} ({account.email})" if account.name else account.email


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""  # a container's bare uid
