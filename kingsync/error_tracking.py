"""Error reports that leave this machine: where it broke, and none of the data being processed.

An allowlist: only what is on the lists below is sent. Texts of exceptions and log entries are on none of them: they may
hold tokens and the tenants' customers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from integrations.errors import IntegrationError
from kingsync import __version__

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_EVENT = ("event_id", "timestamp", "level", "platform", "release", "environment", "logger")
_EXCEPTION = ("type", "module")
_MECHANISM = ("type", "handled")
_FRAME = ("filename", "function", "module", "lineno", "in_app")
# A transaction of another kind is named by its URL.
_NAMED_BY_US = frozenset({"route", "task", "component", "view"})

Values = Mapping[str, Any]


def start(dsn: str) -> None:
    """Send this process's errors to the error tracker."""
    sentry_sdk.init(
        dsn=dsn,
        release=f"kingsync@{__version__}",
        before_send=only_where_it_broke,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            DjangoIntegration(middleware_spans=False, signals_spans=False, cache_spans=False),
            CeleryIntegration(propagate_traces=False),
            LoggingIntegration(level=None, event_level=logging.ERROR, sentry_logs_level=None),
            ThreadingIntegration(propagate_scope=False),
            ExcepthookIntegration(),
            AtexitIntegration(callback=lambda _pending, _timeout: None),
            DedupeIntegration(),
        ],
        max_breadcrumbs=0,
        before_breadcrumb=_nothing,
        before_send_transaction=_nothing,
        before_send_log=_nothing,
        before_send_metric=_nothing,
        enable_logs=False,
        enable_metrics=False,
        auto_session_tracking=False,
        send_client_reports=False,
        spotlight=False,
        debug=False,
        propagate_traces=False,
        trace_propagation_targets=[],
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
    )


def only_where_it_broke(event: Event, hint: Hint) -> Event:
    """Return a new event with only what is known to be ours: types, locations and names, no values."""
    values = cast("Values", event)
    kept: dict[str, Any] = _picked(values, _EVENT)
    kept["sdk"] = _picked(values.get("sdk") or {}, ("name", "version"))
    kept["tags"] = _tags(hint)
    if (values.get("transaction_info") or {}).get("source") in _NAMED_BY_US:
        kept["transaction"] = values.get("transaction")
    if exceptions := (values.get("exception") or {}).get("values"):
        kept["exception"] = {"values": [_exception(each) for each in exceptions]}
    if isinstance(record := hint.get("log_record"), logging.LogRecord):
        # Its text may contain anything.
        kept["logentry"] = {"message": f"{record.module}.{record.funcName}, line {record.lineno}"}
    return cast("Event", kept)


def _exception(exception: Values) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames") or []
    return {
        **_picked(exception, _EXCEPTION),
        "mechanism": _picked(exception.get("mechanism") or {}, _MECHANISM),
        "stacktrace": {"frames": [_picked(frame, _FRAME) for frame in frames]},
    }


def _tags(hint: Hint) -> dict[str, str]:
    """Return what our own errors say about the failed call, as fixed tags."""
    error = (hint.get("exc_info") or (None, None, None))[1]
    if not isinstance(error, IntegrationError):
        return {}
    return {"system": error.system, "operation": error.operation, "reason": error.reason, "status": str(error.status)}


def _picked(values: Values, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _nothing(_data: object, _hint: object) -> None:
    """Drop the event."""
