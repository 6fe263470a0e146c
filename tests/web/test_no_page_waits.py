"""No page waits for another system longer than five seconds; anything slower is a background call."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started

from integrations.transport import Transport
from kingsync.manual_actions import guards
from kingsync.notifications import mailer
from kingsync.runs import queues

AT_MOST = 5.0


def test_what_a_page_may_wait_for_is_short() -> None:
    broker = settings.BROKER_PUBLISH_OPTIONS

    assert mailer.PAGE_SECONDS <= AT_MOST
    assert guards.PATIENCE_SECONDS <= AT_MOST
    assert queues.ANSWER_SECONDS <= AT_MOST
    assert broker["socket_connect_timeout"] + broker["socket_timeout"] <= AT_MOST


@pytest.mark.django_db  # a page's start looks at the connection that an earlier test may have left open
def test_a_page_that_asked_by_itself_would_fail_every_test_of_it() -> None:
    request_started.send(sender=None)

    with pytest.raises(AssertionError, match="waits for another system"):
        Transport.send(None)  # type: ignore[arg-type, call-arg]
    request_finished.send(sender=None)
