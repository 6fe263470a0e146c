"""The request to delete a tenant: a time of grace in which nothing runs and all can be undone, then the deletion.

All owners get one e-mail when it is requested and one when it is done.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils import formats, timezone, translation
from django.utils.translation import gettext

from kingsync.models import tenants
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.notifications import mailer
from kingsync.upkeep.tenant_data import deletion
from kingsync.upkeep.tenant_data.deletion import Deleted

logger = logging.getLogger(__name__)

GRACE = datetime.timedelta(days=14)
# During the grace nothing ran, so the clock waits for nothing but a page that was just opened.
CLOCK_WAIT_SECONDS = 5.0


class TooLateError(Exception):
    """The time of grace is over: the deletion may have begun."""


def request(tenant: Tenant, *, by: User, now: datetime.datetime) -> None:
    """Let nothing run any more and delete the tenant after the grace; a second request changes nothing."""
    closing_at = now + GRACE
    with transaction.atomic():
        row = Tenant.objects.select_for_update().get(pk=tenant.pk)
        if row.closing_at is not None:
            return
        row.closing_at, row.closing_asked_at, row.closing_asked_by = closing_at, now, by.display_name
        row.save(update_fields=["closing_at", "closing_asked_at", "closing_asked_by"])
    logger.info("tenant.deletion_requested: tenant %s", tenant.slug)
    with translation.override(tenant.language):
        text = gettext(
            "%(name)s requested that %(company)s be deleted from kingsync, with all its data, after %(moment)s. Until "
            "then nothing is imported or exported, and any owner can undo this on the page “Company data”. Nothing is "
            "changed in OutSmart or King."
        )
        moment = formats.date_format(timezone.localtime(closing_at), "j F Y H:i")
        text %= {"name": by.display_name, "company": tenant.name, "moment": moment}
        _mail(
            mailer.send_from_page,
            tenant.name,
            tenants.emails_of_owners(tenant),
            text,
            mailer.link("company_data", tenant.slug),
        )


def undo(tenant: Tenant, *, now: datetime.datetime) -> None:
    """Withdraw the request. Raises `TooLateError` once the grace is over."""
    with transaction.atomic():
        row = Tenant.objects.select_for_update().get(pk=tenant.pk)
        if row.closing_at is not None and row.closing_at <= now:
            raise TooLateError
        row.closing_at, row.closing_asked_at, row.closing_asked_by = None, None, ""
        row.save(update_fields=["closing_at", "closing_asked_at", "closing_asked_by"])
    logger.info("tenant.deletion_withdrawn: tenant %s", tenant.slug)


def carry_out(tenant: Tenant, *, wait_seconds: float) -> Deleted:
    """Delete the tenant now and inform its owners. Raises as `deletion.delete`."""
    owners = tenants.emails_of_owners(tenant)
    deleted = deletion.delete(tenant, wait_seconds=wait_seconds)
    with translation.override(tenant.language):
        text = gettext(
            "%(company)s has been deleted from kingsync, with all its data. Backups of the installation hold it until "
            "they expire. Nothing was changed in OutSmart or King."
        )
        _mail(mailer.send, tenant.name, owners, text % {"company": tenant.name})
    return deleted


def due(*, now: datetime.datetime) -> list[Tenant]:
    """Return the tenants whose grace is over, and those of which a deletion was interrupted."""
    return list(Tenant.objects.filter(closing_at__lte=now).order_by("closing_at"))


def _mail(send: Callable[..., None], company: str, to: Sequence[str], text: str, link: str = "") -> None:
    """Send the e-mail; a mail server that does not accept it stops nothing."""
    if not to:
        return
    subject = gettext("%(company)s: deletion of the company") % {"company": company}
    try:
        send(to=to, subject=subject, template="closing", context={"name": company, "text": text, "link": link})
    except OSError as error:
        logger.warning("tenant.deletion_not_mailed: %s", type(error).__name__)
