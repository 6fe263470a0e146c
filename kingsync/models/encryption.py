"""A JSON field that is stored encrypted, with keys from the environment (the first one encrypts)."""

from __future__ import annotations

import base64
import functools
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

PREFIX = "f1:"


class DecryptionError(RuntimeError):
    """No key in ENCRYPTION_KEYS opens a stored secret. What to do: put the old key back behind the new one."""


@functools.cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_fernet_key(key)) for key in keys])


def _fernet_key(key: str) -> bytes:
    """Use a Fernet key as it is; derive one from any other text, which should then be long and random."""
    try:
        if len(base64.urlsafe_b64decode(key)) == 32:
            return key.encode()
    except ValueError:
        pass
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())


def encrypt(value: dict[str, Any]) -> str:
    return PREFIX + _box(tuple(settings.ENCRYPTION_KEYS)).encrypt(msgspec.json.encode(value)).decode()


def decrypt(stored: str) -> dict[str, Any]:
    """Return the decrypted value; raises `DecryptionError`, never the stored text."""
    try:
        opened = _box(tuple(settings.ENCRYPTION_KEYS)).decrypt(stored.removeprefix(PREFIX).encode())
    except InvalidToken:
        raise DecryptionError(str(DecryptionError.__doc__)) from None
    return msgspec.json.decode(opened, type=dict[str, Any])


def key_names() -> list[str]:
    """Return a name for each key, the newest first: enough to tell them apart, useless to who has no key."""
    return [_name(key) for key in settings.ENCRYPTION_KEYS]


def name_of_key(stored: str) -> str | None:
    """Return the name of the key that opens a stored value; None when no key does."""
    token = stored.removeprefix(PREFIX).encode()
    return next((_name(key) for key in settings.ENCRYPTION_KEYS if _opens(key, token)), None)


def _opens(key: str, token: bytes) -> bool:
    try:
        _box((key,)).decrypt(token)
    except InvalidToken:
        return False
    return True


def _name(key: str) -> str:
    return hashlib.sha256(b"name of a key:" + _fernet_key(key)).hexdigest()[:8]


# For the type checker a dictionary goes in and comes out; at run time it is a text column.
if TYPE_CHECKING:
    _Field = models.Field[dict[str, Any], dict[str, Any]]
else:
    _Field = models.TextField


class EncryptedJSONField(_Field):
    """A dictionary in Python, one encrypted text in the database."""

    def from_db_value(self, value: str | None, *_: object) -> dict[str, Any]:
        return decrypt(value) if value else {}

    def get_prep_value(self, value: dict[str, Any] | None) -> str:
        return encrypt(value or {})

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Serialize the encrypted form, so that a database dump holds no secret."""
        return self.get_prep_value(self.value_from_object(obj))
