"""What a wrong password, code or e-mail address counts against."""

from __future__ import annotations

from django.http import HttpRequest

from kingsync.models.tenants import Tenant
from kingsync.models.users import User, folded
from kingsync.web.accounts import known_devices, throttle
from kingsync.web.accounts.login_backend import account_of
from kingsync.web.accounts.throttle import Limit

# One account in one browser, or from one address: what people mistype.
OF_ONE = 10
# One account, by all strangers together: many addresses may guess at one account.
OF_ACCOUNT = 30
# One address: an office has many people behind it, and trying one password with many names hits it too.
OF_ADDRESS = 100
MAILS_TO_ONE = 5
MAILS_OF_ADDRESS = 30
# A company's invitations: everyone at once on its first day, but no mailing.
INVITATIONS_AN_HOUR, INVITATIONS_A_DAY = 40, 100
# Links to a new e-mail address go to any address that a user types.
NEW_ADDRESSES_AN_HOUR = 5


def of_password(request: HttpRequest | None, email: str) -> list[Limit]:
    """Return the limits of a password tried for the account of an e-mail address."""
    account = account_of(email)
    return _limits(request, account, f"name {account.email if account else folded(email)}")


def of_code(request: HttpRequest, user: User) -> list[Limit]:
    """Return the limits of a code of the second step."""
    return _limits(request, user, f"code {user.pk}")


def of_check(user: User) -> list[Limit]:
    """Return the limit of the password check of a logged-in user: strangers do not get this far."""
    return [Limit(f"check {user.pk}", OF_ONE)]


def of_reset(request: HttpRequest | None, email: str) -> list[Limit]:
    """Return the limits of e-mails with a password reset link."""
    address = throttle.address_of(request)
    return [
        Limit(f"reset {folded(email)}", MAILS_TO_ONE),
        *([Limit(f"resets from {address}", MAILS_OF_ADDRESS)] if address else []),
    ]


def of_invitation(tenant: Tenant) -> list[Limit]:
    """Return the limits of a company's invitations by e-mail."""
    return [
        Limit(f"invitations of {tenant.pk}", INVITATIONS_AN_HOUR, throttle.HOUR),
        Limit(f"invitations of {tenant.pk} a day", INVITATIONS_A_DAY, throttle.DAY),
    ]


def of_new_address(user: User) -> list[Limit]:
    """Return the limit of e-mails to a new address of an account."""
    return [Limit(f"new address of {user.pk}", NEW_ADDRESSES_AN_HOUR, throttle.HOUR)]


def has_proved(request: HttpRequest, user: User) -> None:
    """Reset the counts of an account in its owner's browser and address; those of strangers elsewhere stay."""
    for limits in (of_password(request, user.email), of_code(request, user)):
        throttle.forget(*(limit for limit in limits if limit.most == OF_ONE))


def _limits(request: HttpRequest | None, account: User | None, subject: str) -> list[Limit]:
    device = known_devices.of(request, account)
    if device:
        return [Limit(f"{subject} on {device}", OF_ONE)]
    address = throttle.address_of(request)
    one = [Limit(f"{subject} from {address}", OF_ONE), Limit(subject, OF_ACCOUNT)]
    return [*one, Limit(f"from {address}", OF_ADDRESS)] if address else one
