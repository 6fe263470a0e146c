"""Who gets the notifications of a company, how often and in which language; and which addresses get none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.utils import timezone

from kingsync.models import tenants
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.notifications import NotificationChoice, StoppedAddress
from kingsync.models.sync_settings import MailMode, SyncSettings
from kingsync.models.tenants import Membership, Tenant
from kingsync.models.users import User, folded
from kingsync.notifications import mailer, openings

SALT = "kingsync.unsubscribe"


@dataclass(frozen=True)
class Recipient:
    address: str
    mode: str
    language: str


def of(tenant: Tenant, chosen: SyncSettings | None) -> list[Recipient]:
    """Return who gets e-mails: a user's own choice applies instead of the company's setting."""
    found: dict[str, Recipient] = {}
    if chosen is not None:
        for address in chosen.notification_emails:
            found[folded(address)] = Recipient(address, chosen.notification_mode, tenant.language)
    for choice in _choices(tenant):
        found[choice.user.email] = Recipient(choice.user.email, choice.mode, choice.language)
    if not found:
        return []
    stopped = {folded(each) for each in StoppedAddress.objects.values_list("address", flat=True)}
    return [each for key, each in found.items() if each.mode != MailMode.OFF and key not in stopped]


def _choices(tenant: Tenant) -> Iterable[NotificationChoice]:
    """Return the choices of those who may still log in and work for the company."""
    members = Membership.objects.filter(tenant=tenant, user__is_active=True).values("user")
    return NotificationChoice.objects.filter(user__in=members).select_related("user").order_by("user__email")


def choose(tenant: Tenant, user: User, *, mode: str, language: str) -> None:
    """Save what a user wants; a user who wants e-mails is not stopped by an earlier unsubscription or refusal."""
    before, after = _chosen(user), {"mode": str(mode), "language": str(language)}
    was_told_of_each = any(
        folded(each.address) == user.email and each.mode == MailMode.EACH
        for each in of(tenant, SyncSettings.objects.first())
    )
    NotificationChoice.objects.update_or_create(user=user, defaults=after, create_defaults={"tenant": tenant, **after})
    if mode != MailMode.OFF:
        StoppedAddress.objects.filter(address=folded(user.email)).delete()
    if mode == MailMode.EACH and not was_told_of_each:
        openings.want(tenant, user.email)
    _record(tenant, user, before, after)


def choose_nothing(tenant: Tenant, user: User) -> None:
    """Let the company's setting apply to a user."""
    before = _chosen(user)
    NotificationChoice.objects.filter(user=user).delete()
    _record(tenant, user, before, None)


def _chosen(user: User) -> dict[str, str] | None:
    found = NotificationChoice.objects.filter(user=user).first()
    return {"mode": found.mode, "language": found.language} if found else None


def _record(tenant: Tenant, user: User, before: dict[str, str] | None, after: dict[str, str] | None) -> None:
    if before != after:
        action = Action.NOTIFICATIONS_CHOSEN
        trail.record(action, tenant=tenant.pk, subject=user.email, before=before, after=after, by=user)


# --- Addresses that get none ------------------------------------------------------------------------------------------


def stop(address: str, kind: StoppedAddress.Kind, detail: str = "") -> None:
    """Send nothing more to an address of the current tenant."""
    values = {"kind": kind, "since": timezone.now(), "detail": detail[:500]}
    StoppedAddress.objects.get_or_create(
        address=folded(address), defaults={"tenant_id": tenants.current_id(), **values}
    )


def resume(tenant: Tenant, address: str, *, by: User) -> bool:
    """Send to a refused address again; return False if it is not one. An unsubscription is its owner's to undo."""
    refused = StoppedAddress.objects.filter(address=folded(address), kind=StoppedAddress.Kind.REFUSED)
    deleted, _by_model = refused.delete()
    if deleted:
        trail.record(Action.ADDRESS_RESUMED, tenant=tenant.pk, subject=folded(address), by=by)
    return bool(deleted)


def stopped(chosen: SyncSettings | None) -> list[StoppedAddress]:
    """Return the stopped addresses that the current tenant would send to: what its page tells."""
    found = list(StoppedAddress.objects.order_by("address"))
    if not found:
        return []
    wanted = {folded(address) for address in chosen.notification_emails} if chosen else set[str]()
    wanted |= set(NotificationChoice.objects.exclude(mode=MailMode.OFF).values_list("user__email", flat=True))
    return [each for each in found if each.address in wanted]


# --- Unsubscribing ----------------------------------------------------------------------------------------------------


def headers(tenant: Tenant, address: str) -> dict[str, str]:
    """Return the headers by which mail programs unsubscribe with one click (RFC 2369, RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{unsubscribe_link(tenant, address)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def unsubscribe_link(tenant: Tenant, address: str) -> str:
    """Return a link that works without logging in; it names no address, since links end up in logs."""
    sealed = signing.dumps({"tenant": tenant.pk, "address": _mark(address)}, salt=SALT)
    return mailer.link("unsubscribe", sealed)


@dataclass(frozen=True)
class Subscription:
    """What a link is about; `address` is "" when the company does not send to it any more."""

    tenant: Tenant
    address: str


def of_link(sealed: str) -> Subscription | None:
    """Return what an unsubscribe link is about; None for one that is not ours, or of a deleted company."""
    try:
        content = signing.loads(sealed, salt=SALT)
    except signing.BadSignature:
        return None
    tenant = Tenant.objects.filter(pk=content["tenant"]).first()
    if tenant is None:
        return None
    with tenants.scope(tenant):
        addresses = [*_company_addresses(), *_addresses_of_users(tenant)]
    return Subscription(tenant, next((each for each in addresses if content["address"] in _marks(each)), ""))


def unsubscribe(subscription: Subscription) -> None:
    """Send nothing more: to a user by their choice, to another address by stopping it. Harmless when repeated."""
    tenant, address = subscription.tenant, subscription.address
    if not address:
        return
    with tenants.scope(tenant):
        user = User.objects.filter(email=folded(address), memberships__tenant=tenant).first()
        if user is None:
            stop(address, StoppedAddress.Kind.UNSUBSCRIBED)
            return
        choice = NotificationChoice.objects.filter(user=user).first()
        language = choice.language if choice else tenant.language
        choose(tenant, user, mode=MailMode.OFF, language=language)


def _company_addresses() -> list[str]:
    chosen = SyncSettings.objects.first()
    return list(chosen.notification_emails) if chosen else []


def _addresses_of_users(tenant: Tenant) -> list[str]:
    return list(tenant.memberships.values_list("user__email", flat=True))


def _mark(address: str) -> str:
    return _marks(address)[0]


def _marks(address: str) -> list[str]:
    """Return what stands for an address in links, those signed with former keys included."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [hashlib.sha256(f"{key} {folded(address)}".encode()).hexdigest()[:24] for key in keys]
