"""The two ceremonies of WebAuthn: adding a passkey, and proving that it is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import webauthn
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kingsync.models.accounts.passkeys import CREDENTIAL_ID, NAME, Passkey
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.users import User

SITE_NAME = "kingsync"
# After the password, having the device is enough: a fingerprint or PIN is welcome but not required.
VERIFICATION = UserVerificationRequirement.PREFERRED
# What goes wrong while an answer is read that no browser of ours has made.
MALFORMED = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, RecursionError)


class RefusedPasskeyError(Exception):
    """The browser's answer proves nothing: another challenge or site, an unknown passkey, or a copy of one."""


class KnownPasskeyError(Exception):
    """Someone has added the same passkey before."""


@dataclass(frozen=True)
class Ceremony:
    """The options for the browser, and the challenge that its answer must have signed."""

    options: str
    challenge: str


def of(user: User) -> models.QuerySet[Passkey]:
    rows: models.QuerySet[Passkey] = Passkey.objects.filter(user=user, confirmed=True).order_by("pk")
    return rows


def is_possible() -> bool:
    """Return False where browsers know no passkeys: at an address of numbers instead of a name."""
    try:
        ip_address(_site_name())
    except ValueError:
        return True
    return False


def begin_adding(user: User) -> Ceremony:
    options = webauthn.generate_registration_options(
        rp_id=_site_name(),
        rp_name=SITE_NAME,
        user_id=salted_hmac("kingsync.passkey-user", str(user.pk), algorithm="sha256").digest(),
        user_name=user.email,
        user_display_name=user.display_name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=VERIFICATION
        ),
        exclude_credentials=_descriptors(user),
    )
    return Ceremony(webauthn.options_to_json(options), bytes_to_base64url(options.challenge))


def add(user: User, *, answer: str, challenge: str, name: str) -> Passkey:
    """Save the passkey of a browser's answer. Raises `RefusedPasskeyError`, `KnownPasskeyError`."""
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=_site_name(),
            expected_origin=_origin(),
        )
    except MALFORMED as error:
        raise RefusedPasskeyError from error
    passkey = Passkey(user=user, name=name[:NAME], credential_id=bytes_to_base64url(verified.credential_id))
    if len(passkey.credential_id) > CREDENTIAL_ID:
        raise RefusedPasskeyError
    passkey.public_key, passkey.sign_count = verified.credential_public_key, verified.sign_count
    try:
        with transaction.atomic():
            passkey.save()
            trail.record_of_account(Action.SECOND_STEP_SET_UP, user, after={"passkey": passkey.name})
    except IntegrityError:
        raise KnownPasskeyError from None
    return passkey


def begin_login(user: User) -> Ceremony:
    options = webauthn.generate_authentication_options(
        rp_id=_site_name(), allow_credentials=_descriptors(user), user_verification=VERIFICATION
    )
    return Ceremony(webauthn.options_to_json(options), bytes_to_base64url(options.challenge))


def verify(user: User, *, answer: str, challenge: str) -> Passkey:
    """Return the user's passkey that signed the challenge. Raises `RefusedPasskeyError`."""
    with transaction.atomic():
        passkey = _signer(user, answer)
        passkey.sign_count = _verified(passkey, answer, challenge).new_sign_count
        passkey.last_used_at = timezone.now()
        passkey.save(update_fields=["sign_count", "last_used_at"])
    return passkey


def remove(user: User, number: int) -> bool:
    """Remove one passkey; return False when there is none."""
    with transaction.atomic():
        found = of(user).select_for_update().filter(pk=number).first()
        if found is None:
            return False
        found.delete()
        trail.record_of_account(Action.SECOND_STEP_REMOVED, user, before={"passkey": found.name})
    return True


def _signer(user: User, answer: str) -> Passkey:
    try:
        used = parse_authentication_credential_json(answer).raw_id
    except MALFORMED as error:
        raise RefusedPasskeyError from error
    # Locked, so that of two equal answers the second finds the count of the first.
    found = of(user).select_for_update().filter(credential_id=bytes_to_base64url(used)).first()
    if found is None:
        raise RefusedPasskeyError
    return found


def _verified(passkey: Passkey, answer: str, challenge: str) -> VerifiedAuthentication:
    try:
        return webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=_site_name(),
            expected_origin=_origin(),
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
        )
    except MALFORMED as error:
        raise RefusedPasskeyError from error


def _descriptors(user: User) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.credential_id)) for row in of(user)]


def _site_name() -> str:
    return urlsplit(settings.SITE_URL).hostname or ""


def _origin() -> str:
    parts = urlsplit(settings.SITE_URL)
    return f"{parts.scheme}://{parts.netloc}"
