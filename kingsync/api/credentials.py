"""The token of a request: whether it is one, opens something now, and was used too often."""

from __future__ import annotations

import datetime

from django.db.models import Case, F, Q, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.api.errors import ApiError
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models.api.tokens import ApiToken, hash_of
from kingsync.runs import wanted

# Of one token, over all web processes: counted in the database.
REQUESTS, PER = 120, datetime.timedelta(minutes=1)
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
# What opens without a token.
PUBLIC = "openapi.json"


class ApiRequest(HttpRequest):
    """A request with a valid token; the scope of its tenant is open."""

    api_token: ApiToken


def token_of(request: HttpRequest) -> ApiToken:
    """Return the token of a request, with its tenant. Raises `ApiError`."""
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        message = _("Send a token: “Authorization: Bearer ks_…”. An owner makes one on the page “API tokens”.")
        raise ApiError(401, "no_token", message, headers=_CHALLENGE)
    digest = hash_of(text.strip())
    token = ApiToken.across_tenants.filter(digest=digest).select_related("tenant").first()
    if token is None:
        raise ApiError(401, "wrong_token", _("This token does not exist."), headers=_CHALLENGE)
    _require_open(token)
    return token


def _require_open(token: ApiToken) -> None:
    if token.revoked_at is not None:
        raise ApiError(401, "token_revoked", _("This token was revoked."), headers=_CHALLENGE)
    if token.is_expired:
        raise ApiError(401, "token_expired", _("This token has expired."), headers=_CHALLENGE)
    why = wanted.why_nothing_runs(token.tenant)
    if why is not None:
        raise ApiError(403, why.code, sentence(stored(why)))


def count(token: ApiToken) -> None:
    """Count a request of the token; in one statement, so that none is missed. Raises `ApiError`."""
    now = timezone.now()
    in_window = Q(window_began_at__gt=now - PER)
    free = ~in_window | Q(window_began_at=None) | Q(window_count__lt=REQUESTS)
    counted = ApiToken.objects.filter(free, pk=token.pk).update(
        window_count=Case(When(in_window, then=F("window_count") + 1), default=Value(1)),
        window_began_at=Case(When(in_window, then=F("window_began_at")), default=Value(now)),
        last_used_at=now,
    )
    if not counted:
        raise _too_many(token, now)


def _too_many(token: ApiToken, now: datetime.datetime) -> ApiError:
    began = ApiToken.objects.values_list("window_began_at", flat=True).filter(pk=token.pk).first() or now
    seconds = max(1, int((began + PER - now).total_seconds()) + 1)
    message = _("Too many requests: %(most)s per minute are allowed. Try again in %(seconds)s seconds.")
    values = {"most": REQUESTS, "seconds": seconds}
    return ApiError(429, "rate_limited", message % values, headers={"Retry-After": str(seconds)})
