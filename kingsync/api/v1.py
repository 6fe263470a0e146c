"""Version 1 of the API: its addresses. Within it, names are added but neither changed nor removed."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from django.db import models
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Header, NinjaAPI, Path, Query
from ninja.errors import HttpError, ValidationError
from ninja.responses import Status
from ninja.security import HttpBearer

from kingsync.answers import ledger, statements
from kingsync.api import invalid, schemas, starting
from kingsync.api.credentials import PUBLIC, ApiRequest
from kingsync.api.errors import ApiError, response_of
from kingsync.exports.overview import causes
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models.api.tokens import Scope
from kingsync.models.runs import RunKind, SyncRun
from kingsync.rules import limits
from kingsync.runs import run_answers
from kingsync.statements import figures as month_figures
from kingsync.statements import periods

VERSION, ROOT = "1", "/api/v1/"
M = TypeVar("M", bound=models.Model)


class Token(HttpBearer):
    """The token, which the door has checked already, must have the scope of the operation."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        super().__init__()

    def authenticate(self, request: HttpRequest, _token: str) -> bool:
        """Return True. Raises `ApiError` where the scope is missing."""
        found: ApiRequest = request  # type: ignore[assignment]
        if self.scope.value in found.api_token.scopes:
            return True
        message = _("This token may not do this: it needs the scope “%(scope)s”.") % {"scope": self.scope.value}
        raise ApiError(403, "missing_scope", message)


READ: dict[str, Any] = {"auth": Token(Scope.READ)}
RUN: dict[str, Any] = {"auth": Token(Scope.RUN)}
api = NinjaAPI(
    title="kingsync",
    version=VERSION,
    description="Work orders, runs, causes, figures and statements of one company; starting imports and exports.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
)


def answers(ok: Any, *others: int) -> dict[Any, Any]:
    """Return the answers of an operation, for the document: a good one, and every error that it may give."""
    return {200: ok} | dict.fromkeys((401, 403, *others, 429), schemas.Error) | {422: schemas.Invalid}


@api.exception_handler(ApiError)
def _refused(_request: HttpRequest, error: ApiError) -> HttpResponse:
    return response_of(error)


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    return response_of(invalid.error_of(error.errors))


@api.exception_handler(HttpError)
def _unreadable(_request: HttpRequest, _error: HttpError) -> HttpResponse:
    return response_of(ApiError(400, "unreadable", _("The body is not JSON.")))


@api.exception_handler(Exception)
def _failed(_request: HttpRequest, error: Exception) -> HttpResponse:
    raise error  # the door logs it and answers


# --- Work orders ------------------------------------------------------------------------------------------------------


@api.get("work-orders", response=answers(schemas.WorkOrders, 404), operation_id="list_work_orders", **READ)
def work_orders(request: HttpRequest, filters: Query[schemas.WorkOrderFilter]) -> dict[str, Any]:
    """Return the work orders of an administration, in the order in which kingsync first saw them."""
    administration = _administration(filters.administration)
    rows = ledger.rows_of(administration)
    if filters.state:
        rows = rows.filter(state=filters.state)
    if since := filters.state_changed_since or filters.changed_since:
        rows = rows.filter(changed_at__gte=since)
    if filters.cursor:
        rows = rows.filter(pk__gt=int(filters.cursor))
    found, following = _page(rows.order_by("pk"), filters.limit)
    return {"items": ledger.some(found, administration), "next": following}


@api.get("work-orders/{outsmart_id}", response=answers(schemas.WorkOrder, 404), operation_id="get_work_order", **READ)
def work_order(
    request: HttpRequest, outsmart_id: Path[schemas.Text], administration: Query[schemas.Text | None] = None
) -> dict[str, Any]:
    """Return one work order, by OutSmart's row id."""
    of = _administration(administration)
    rows = list(ledger.rows_of(of).filter(outsmart_id=outsmart_id))
    if not rows:
        raise ApiError(404, "not_found", _("kingsync has no work order with this number."))
    return ledger.some(rows, of)[0]


def _administration(name: str | None) -> Any:
    try:
        return ledger.administration(name)
    except ledger.UnknownAdministrationError as error:
        raise ApiError(404, error.why.code, sentence(stored(error.why))) from None


def _page(rows: models.QuerySet[M], limit: int) -> tuple[list[M], str | None]:
    """Return a page of ordered rows, and where the next one begins."""
    found = list(rows[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if len(found) > limit else None


@api.get("causes", response=answers(schemas.Causes), operation_id="list_causes", **READ)
def list_causes(request: HttpRequest) -> dict[str, Any]:
    """Return what stops work orders, the biggest cause first: one entry per repair."""
    return {"items": [ledger.cause(each) for each in causes.causes(newest=causes.OF_NEWEST)]}


@api.get("figures", response=answers(schemas.Figures), operation_id="get_figures", **READ)
def figures(request: HttpRequest) -> dict[str, Any]:
    """Return the last months, oldest first: how many work orders there are, and how many are in King."""
    found = month_figures.figures(now=timezone.now())
    months = [
        {
            "month": f"{each.first:%Y-%m}",
            "total": each.total,
            "in_king": each.in_king,
            "open": each.open,
            "excluded": each.excluded,
            "amount": each.amount,
            "amount_is_least": each.is_least,
        }
        for each in found.months
    ]
    return {"months": months, "undated": found.undated, "counted_at": found.counted_at}


@api.get("statements/{month}", response=answers(schemas.Statement, 404), operation_id="get_statement", **READ)
def statement(request: HttpRequest, month: Path[schemas.Text]) -> dict[str, Any]:
    """Return the statement of a month, such as 2026-11: every work order in one state, who signed it, what changed."""
    period = periods.of_key(month)
    if period is None or not period.is_month:
        raise ApiError(404, "not_found", _("There is no such month. Name it as in 2026-11."))
    return statements.of_month(period)


# --- Runs -------------------------------------------------------------------------------------------------------------


@api.get("runs", response=answers(schemas.Runs), operation_id="list_runs", **READ)
def runs(request: HttpRequest, filters: Query[schemas.RunFilter]) -> dict[str, Any]:
    """Return the runs, newest first."""
    rows = SyncRun.objects.defer(*SyncRun.LARGE)
    if filters.kind:
        rows = rows.filter(kind=filters.kind)
    if filters.state:
        rows = rows.filter(status=filters.state)
    if filters.since:
        rows = rows.filter(queued_at__gte=filters.since)
    if filters.cursor:
        rows = rows.filter(pk__lt=int(filters.cursor))
    found, following = _page(rows.order_by("-pk"), filters.limit)
    return {"items": [run_answers.of(each) for each in found], "next": following}


@api.get("runs/{int:run_id}", response=answers(schemas.Run, 404), operation_id="get_run", **READ)
def run(request: HttpRequest, run_id: int) -> dict[str, Any]:
    """Return one run."""
    found = SyncRun.objects.defer(*SyncRun.LARGE).filter(pk=run_id).first()
    if found is None:
        raise ApiError(404, "not_found", _("kingsync has no run with this number."))
    return run_answers.of(found)


Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=limits.IDEMPOTENCY_KEY,
        description="Of your choice: within a day the same key gives the same run.",
    ),
]
STARTED = {202: schemas.Started} | answers(schemas.Started, 409)


@api.post("runs/export", response=STARTED, operation_id="start_export", **RUN)
def start_export(request: HttpRequest, body: schemas.ExportRequest, key: Key) -> Status[dict[str, Any]]:
    """Start an export. 202: started now; 200: it was started before, by this key or by someone else."""
    return _started(request, RunKind.EXPORT, body, key)


@api.post("runs/import", response=STARTED, operation_id="start_import", **RUN)
def start_import(request: HttpRequest, body: schemas.ImportRequest, key: Key) -> Status[dict[str, Any]]:
    """Start an import. 202: started now; 200: it was started before, by this key or by someone else."""
    return _started(request, RunKind.IMPORT, body, key)


def _started(request: HttpRequest, kind: RunKind, body: schemas.Request, key: str) -> Status[dict[str, Any]]:
    found: ApiRequest = request  # type: ignore[assignment]
    options = {name: value for name, value in body.model_dump().items() if value}
    started = starting.start(found.api_token, kind, options, key=key)
    content = {"run": run_answers.of(started.run), "joined": started.joined}
    return Status(202 if started.is_new else 200, content)


# --- Addresses --------------------------------------------------------------------------------------------------------


def openapi(_request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document: for everyone, there is nothing of a company in it."""
    return JsonResponse(api.get_openapi_schema(path_prefix=ROOT))


# The last one of django-ninja's own is a page that leads to its documentation, which there is none of.
urlpatterns = [path(PUBLIC, openapi), *api.urls[0][:-1]]
