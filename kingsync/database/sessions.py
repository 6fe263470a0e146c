"""The session of Django's connection as the owner, and further sessions beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import psycopg
from django.db import connections

from kingsync.database import roles
from kingsync.database.base import DatabaseWrapper


def default() -> DatabaseWrapper:
    """Return this thread's connection."""
    return cast(DatabaseWrapper, connections["default"])


def as_owner() -> AbstractContextManager[None]:
    """Work as the login inside the block, without a wall: to end sessions of the login, to change the schema."""
    return default().as_owner()


def take_scope() -> None:
    """Take the open scope now: in a transaction that would be the first statement, before which its level is set."""
    default().ensure_connection()
    default().take_scope()


@contextmanager
def fenced(fence: Callable[[], None]) -> Iterator[None]:
    """Call `fence` with each session that this thread borrows inside the block, before it does anything else with it.

    Where that raises, the thread has no session, and what it wanted it for was not done.
    """
    connection = default()
    before, connection.fence = connection.fence, fence
    try:
        yield
    finally:
        connection.fence = before


def opened(whose: int) -> psycopg.Connection[Any]:
    """Open another session that sees the rows of one tenant, or of all (`visible.OF_ALL`). Raises `psycopg.Error`."""
    session = psycopg.connect(**default().get_connection_params(), autocommit=True)
    try:
        session.execute(roles.TAKE, default().roles.parameters(whose))
    except psycopg.Error:
        session.close()
        raise
    return session
