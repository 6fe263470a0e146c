"""The web server ends when it is asked to, also when one of its processes does not hear it."""

from __future__ import annotations

import psutil

from tests import patience, processes, programs


def test_a_process_that_does_not_end_is_killed(transactional_db: None) -> None:
    with programs.web_server("--workers", "2", "--workers-kill-timeout", "1") as (server, _port):
        started = psutil.Process(server.pid).children()
        programs.freeze(started[0].pid)
        server.terminate()

        assert server.wait(patience.SECONDS) == 0
    assert processes.still_running(started) == []
