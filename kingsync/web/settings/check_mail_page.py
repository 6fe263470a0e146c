"""The test of the e-mail notifications on the settings page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from kingsync.notifications import check_mail
from kingsync.notifications.check_mail import Checked, Outcome
from kingsync.web.accounts import limits_text, throttle
from kingsync.web.settings import settings_answers
from kingsync.web.settings.settings_form import notification_addresses
from kingsync.web.shared import access

# Any address can be typed, so a company gets few of these.
TESTS_AN_HOUR = 5
_SENTENCES: dict[Outcome, Any] = {
    Outcome.ACCEPTED: gettext_lazy(
        "The mail server accepted the e-mail. Check the inbox, and the folder for unwanted e-mail."
    ),
    Outcome.REFUSED: gettext_lazy("The mail server refused this address."),
    Outcome.NO_LOGIN: gettext_lazy("The mail server refused kingsync's login. Ask the operator to correct it."),
    Outcome.TOO_SLOW: gettext_lazy("The mail server has not answered yet. The e-mail may still arrive."),
    Outcome.UNREACHABLE: gettext_lazy("The mail server could not be reached. Ask the operator to check it."),
    Outcome.NOT_SENT: gettext_lazy("The mail server did not accept the e-mail."),
    Outcome.NOT_TRIED: gettext_lazy("Not tried."),
    Outcome.NO_SERVER: gettext_lazy(
        "This installation has no mail server: the e-mail was only written to a file or to the log."
    ),
}
_TONES = {Outcome.ACCEPTED: "good", Outcome.TOO_SLOW: "warn", Outcome.NO_SERVER: "warn", Outcome.NOT_TRIED: "calm"}


@dataclass(frozen=True)
class Row:
    """One address and what became of its e-mail, in words."""

    address: str
    tone: str
    text: str
    detail: str


@require_POST
@access.editors
def test_mail(request: access.TenantRequest) -> HttpResponse:
    """Send a test to the addresses in the form, saved or not, and show what the mail server said."""
    try:
        addresses = notification_addresses(request.POST)
    except ValidationError as error:
        return _shown(request, problems=error.messages)
    if not addresses:
        return _shown(request, problems=[_("Enter an e-mail address first.")])
    try:
        throttle.record_try(throttle.Limit(f"test mails of {request.tenant.pk}", TESTS_AN_HOUR, throttle.HOUR))
    except throttle.TooManyTriesError as error:
        return _shown(request, problems=[limits_text.too_many_mails(error)])
    return _shown(request, rows=[_row(each) for each in check_mail.send(request.tenant, addresses, by=request.user)])


def _row(checked: Checked) -> Row:
    return Row(checked.address, _TONES.get(checked.outcome, "bad"), str(_SENTENCES[checked.outcome]), checked.detail)


def _shown(request: access.TenantRequest, **context: Any) -> HttpResponse:
    shown = {"rows": [], "problems": [], "title": _("Test e-mail")} | context
    return settings_answers.shown(request, "settings/_mail_check.html", shown)
