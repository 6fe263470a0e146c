"""A thread that serves pages keeps its database connection, and gets another when that one is unusable."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection, connections

from kingsync.database import sessions
from kingsync.server import wsgi
from kingsync.wsgi import application as pages

SCOPE = {
    "method": "GET",
    "path": "/health",
    "query_string": b"part=web",
    "http_version": "1.1",
    "headers": [(b"host", b"localhost")],
}


@pytest.fixture
def thread(transactional_db: None) -> Iterator[ThreadPoolExecutor]:
    """Provide one thread like those of the front."""
    with ThreadPoolExecutor(1) as executor:
        yield executor
        executor.submit(connections.close_all).result()


def asks(thread: ThreadPoolExecutor) -> tuple[int, int]:
    """Serve a page that uses the database; return its status and its database session."""

    def work() -> tuple[int, int]:
        answer = wsgi.work(pages, wsgi.environment(SCOPE, io.BytesIO()))
        answer.content.close()
        session = connection.connection
        return answer.status, session.info.backend_pid if session else 0

    return thread.submit(work).result()


def test_two_pages_of_a_thread_share_a_connection(thread: ThreadPoolExecutor) -> None:
    first, second = asks(thread), asks(thread)

    assert first[1]
    assert first == second


def test_a_connection_that_the_server_ended_costs_no_page(thread: ThreadPoolExecutor) -> None:
    status, session = asks(thread)
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [session])

    later, other = asks(thread)

    assert (status, later) == (200, 200)
    assert other not in (0, session)


def test_an_old_connection_is_given_up(thread: ThreadPoolExecutor) -> None:
    _status, session = asks(thread)

    def grows_old() -> None:
        connection.close_at = 0.0

    thread.submit(grows_old).result()

    assert asks(thread)[1] != session


def test_a_worker_keeps_none_between_two_tasks() -> None:
    assert not hasattr(settings, "CELERY_DB_REUSE_MAX")  # celery closes the connection around each slice then
