"""Codes of the second step: a key for the authenticator application, and backup codes on paper."""

from __future__ import annotations

import math
import time

import segno
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken

from kingsync.models import encryption
from kingsync.models.accounts import second_steps
from kingsync.models.accounts.second_steps import Authenticator
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.encryption import DecryptionError
from kingsync.models.users import User

BACKUP_CODES = 10
# From the picture to the code: installing an application takes some time.
SET_UP_SECONDS = 3600
# The length of the hash in django-otp's column: 64 bits.
HASH_LENGTH = 16


# django-otp's counter of wrong codes.
_THROTTLING = ("throttling_failure_count", "throttling_failure_timestamp")


class WaitError(Exception):
    """Too many wrong codes: none is checked for some seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def new_key() -> str:
    return second_steps.new_key()


def sealed_key(key: str) -> str:
    """Return a key that is not in use yet, encrypted for the session."""
    return encryption.encrypt({"key": key, "until": time.time() + SET_UP_SECONDS})


def open_key(sealed: str) -> str:
    """Return the key of the session; "" when there is none, or it is too old to be set up without the password."""
    try:
        content = encryption.decrypt(sealed)
    except DecryptionError:
        return ""
    return str(content["key"]) if time.time() < content["until"] else ""


def readable_key(key: str) -> str:
    """Return the key for typing into an application: in groups of four letters."""
    text = second_steps.letters_of(key)
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def picture(user: User, key: str) -> str:
    """Return the QR code of a key as a data URL."""
    drawn = segno.make(second_steps.address_for_apps(user.email, key), error="m")
    return drawn.svg_data_uri(scale=5, border=3, dark="#000", light="#fff")


def confirm(user: User, key: str, code: str) -> Authenticator | None:
    """Save the key if the code comes from it; this code cannot be used again."""
    generator = second_steps.generator_of(key)
    digits = _digits(code)
    if not (digits.isdecimal() and len(digits) == 6 and generator.verify(int(digits), second_steps.TOLERANCE)):
        return None
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        device = Authenticator(user=user, name="authenticator", secret={"key": key})
        device.drift, device.last_t = generator.drift, generator.t()
        device.save()
        trail.record_of_account(Action.SECOND_STEP_SET_UP, user)
    return device


def verify(user: User, code: str, *, is_known: bool = False) -> Device | None:
    """Return the device that accepts this code: the application, or the backup codes, which lose it.

    Someone who knows the password but not the code waits longer and longer (`WaitError`), without delaying the owner: a
    known browser has its own count (`tries.of_code`).
    """
    digits = _digits(code)
    is_from_application = digits.isdecimal() and len(digits) == 6
    model = Authenticator if is_from_application else StaticDevice
    with transaction.atomic():
        device = model.objects.select_for_update().filter(user=user, confirmed=True).first()
        if device is None:
            return None
        strangers = {name: getattr(device, name) for name in _THROTTLING}
        if is_known:
            device.throttle_reset(commit=False)
        _check_waiting(device)
        taken = device.verify_token(digits if is_from_application else _stored(user, code))
        if is_known and not taken:
            model.objects.filter(pk=device.pk).update(**strangers)
        if taken and not is_from_application:
            trail.record_of_account(Action.BACKUP_CODE_USED, user)
    return device if taken else None


def new_backup_codes(user: User) -> list[str]:
    """Create backup codes and return them; they cannot be shown again. Older ones become invalid."""
    plain = [StaticToken.random_token() for _each in range(BACKUP_CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="backup codes", confirmed=True)
        StaticToken.objects.bulk_create([StaticToken(device=device, token=_hash(code)) for code in plain])
        trail.record_of_account(Action.CODES_MADE, user)
    return [f"{code[:4]}-{code[4:]}" for code in plain]


def backup_codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def remove(user: User) -> None:
    """Remove every second step and the backup codes."""
    second_steps.remove_all([user])


def remove_app(user: User) -> None:
    """Remove the authenticator application, and the backup codes if it was the only second step."""
    with transaction.atomic():
        if Authenticator.objects.filter(user=user).delete()[0]:
            trail.record_of_account(Action.SECOND_STEP_REMOVED, user)
        without_rest(user)


def without_rest(user: User) -> None:
    """Remove backup codes that are left without a second step."""
    if not second_steps.has_one(user.pk):
        remove(user)


def _check_waiting(device: Authenticator | StaticDevice) -> None:
    is_allowed, why = device.verify_is_allowed()
    if not is_allowed:
        raise WaitError(max(1, math.ceil((why["locked_until"] - timezone.now()).total_seconds())))


def _digits(code: str) -> str:
    return "".join(code.split())


def _stored(user: User, code: str) -> str:
    """Return the hash that a backup code has here, by whichever key: to try each would count as guessing."""
    hashes = _hashes(code)
    known = StaticToken.objects.filter(device__user=user, token__in=hashes).values_list("token", flat=True).first()
    return known or hashes[0]


def _hash(code: str) -> str:
    return _hashes(code)[0]


def _hashes(code: str) -> list[str]:
    """Return the hash of a backup code by each key: reading the database is not enough to log in."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    hashes = [salted_hmac("kingsync.backup-code", plain, secret=key, algorithm="sha256").hexdigest() for key in keys]
    return [each[:HASH_LENGTH] for each in hashes]
