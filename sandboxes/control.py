"""The control API: tables of routes under /_control/, for tests and people, in addition to the systems' own calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from sandboxes.messages import Answer, ControlError, Request, json_answer

PREFIX = "/_control/"
Handle: TypeAlias = Callable[[Request, dict[str, str]], object]


class Route(msgspec.Struct, frozen=True):
    """One control call: `path` as in `orders/{number}`; `handle` returns what becomes JSON."""

    method: str
    path: str
    handle: Handle

    def match(self, path: str) -> dict[str, str] | None:
        """Return the named parts of a path; None when it does not match."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None


def is_control(request: Request) -> bool:
    """Return whether a request is for the control API or the index page."""
    return request.path == "/" or request.path.startswith(PREFIX)


def dispatch(routes: list[Route], request: Request) -> Answer:
    """Carry out a control call; the caller's mistakes become 400, 404, 405 or 409 with a sentence."""
    path = request.path.removeprefix(PREFIX).rstrip("/")
    fitting = [(route, parts) for route in routes if (parts := route.match(path)) is not None]
    for route, parts in fitting:
        if route.method == request.method:
            return _handled(route, request, parts)
    status, sentence = (405, "Not by this method.") if fitting else (404, "There is no such control call.")
    calls = sorted(f"{route.method} {PREFIX}{route.path}" for route in routes)
    return json_answer({"error": sentence, "calls": calls}, status=status)


def _handled(route: Route, request: Request, parts: dict[str, str]) -> Answer:
    try:
        return json_answer(route.handle(request, parts))
    except ControlError as error:
        return json_answer({"error": str(error)}, status=error.status)
    except msgspec.ValidationError as error:
        return json_answer({"error": str(error)}, status=400)
