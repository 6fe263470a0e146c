"""What goes wrong, over all companies: runs that fail, and what stops work orders, by cause."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import connection
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kingsync.exports.overview.causes import Cause
from kingsync.messages import reason_texts
from kingsync.models import tenants
from kingsync.models.runs import RunKind
from kingsync.models.work_orders import WorkOrder
from kingsync.web.operators.failing_runs import FAILING
from kingsync.web.operators.tenants_page import operators
from kingsync.web.shared import access

CAUSES_SHOWN = 50
_STOPPED = """
    SELECT split_part(cause, ':', 1) AS code, count(*), count(DISTINCT work_order.tenant_id)
    FROM kingsync_workorder work_order
    JOIN kingsync_tenant present ON present.administration_id = work_order.administration_id,
        jsonb_array_elements_text(coalesce(work_order.problem_causes, '[]')) cause
    WHERE NOT (work_order.state IN ('done', 'excluded')) AND work_order.state = ANY (%s)
    GROUP BY code ORDER BY 3 DESC, 2 DESC, code LIMIT %s
"""
_FAILED = f"""
    WITH {FAILING}
    SELECT run.kind, run.error ->> 'code' AS code, coalesce(run.error -> 'params' ->> 'system', ''), count(*)
    FROM failing JOIN kingsync_syncrun run ON run.id = failing.id
    GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2 LIMIT %s
"""  # noqa: S608  (constants only)


_VALUE = re.compile(r"%\((\w+)\)s")


class _Anything(dict[str, str]):
    """Values of the sentence of a code about many companies: each one has its own."""

    def __init__(self, code: str) -> None:
        super().__init__(dict.fromkeys(_VALUE.findall(str(reason_texts.SENTENCES.get(code, ""))), "…"))

    def __missing__(self, key: str) -> str:
        return "…"


@dataclass(frozen=True)
class Failing:
    """A cause for which runs fail now; `companies` counts those whose newest run did."""

    kind: str
    sentence: str
    companies: int


@dataclass(frozen=True)
class Stopped:
    """A cause that stops work orders."""

    code: str
    sentence: str
    work_orders: int
    companies: int


@require_safe
@operators
def causes(request: access.PersonRequest) -> HttpResponse:
    """Show the causes, those of most companies first."""
    return render(request, "operators/causes.html", {"failing": failing(), "stopped": stopped()})


def failing() -> list[Failing]:
    """Return why the newest runs failed, over all tenants."""
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(_FAILED, [CAUSES_SHOWN])
        found = cursor.fetchall()
    return [
        Failing(str(RunKind(kind).label), _sentence(code, {"system": system} if system else {}), number)
        for kind, code, system, number in found
    ]


def stopped() -> list[Stopped]:
    """Return what stops work orders that need attention, over all tenants."""
    with tenants.across(), connection.cursor() as cursor:
        cursor.execute(_STOPPED, [[state.value for state in WorkOrder.NEEDS_A_PERSON], CAUSES_SHOWN])
        found = cursor.fetchall()
    return [
        Stopped(code, Cause(code, code, _Anything(code)).sentence, orders, number) for code, orders, number in found
    ]


def _sentence(code: str | None, params: dict[str, str]) -> str:
    code = code or "internal"
    return reason_texts.sentence({"code": code, "params": _Anything(code) | params})
