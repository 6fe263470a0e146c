"""A middleware that says who acts and from where, for the audit trail."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from kingsync.models.audit import actors
from kingsync.models.audit.actors import Actor, ActorKind
from kingsync.web.accounts import throttle


class VisitorMiddleware:
    """Comes after the middleware that knows the user; looks nothing up until something is recorded."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with actors.acting(lambda: _actor_of(request)):
            return self._get_response(request)


def _actor_of(request: HttpRequest) -> Actor:
    address = throttle.address_of(request)
    if request.user.is_authenticated:
        return actors.person(request.user, address=address)
    return Actor(ActorKind.VISITOR, address=address)
