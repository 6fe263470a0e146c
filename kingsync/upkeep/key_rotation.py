"""Encrypt every stored secret with the newest key, while everything goes on working."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import models
from django.db.models import TextField, Value
from django.db.models.functions import Cast

from kingsync.models import encryption, tenants
from kingsync.models.encryption import DecryptionError, EncryptedJSONField


@dataclass(frozen=True)
class Rotation:
    """How many values each key has now, newest key first; `unreadable`: those that no key opens."""

    values: dict[str, int]
    unreadable: int
    rotated: int = 0

    @property
    def is_complete(self) -> bool:
        return not self.unreadable and not any(list(self.values.values())[1:])


@dataclass(frozen=True)
class _Secret:
    """An encrypted value as it is stored, and where."""

    field: EncryptedJSONField
    key: int
    stored: str

    def replace(self, text: str) -> bool:
        """Store another text, unless the value was changed meanwhile: what is newer has the newest key anyhow."""
        unchanged = _rows(self.field).filter(pk=self.key, stored_text=self.stored)
        return bool(unchanged.update(**{self.field.name: Value(text, output_field=TextField())}))


def status() -> Rotation:
    """Count the values under each key."""
    names = encryption.key_names()
    with tenants.across():
        found = Counter(encryption.name_of_key(secret.stored) for secret in _secrets())
    return Rotation({name: found[name] for name in names}, found[None])


def rotate() -> Rotation:
    """Encrypt what is under an older key with the newest one; what no key opens stays as it is."""
    newest, rotated = encryption.key_names()[0], 0
    with tenants.across():
        for secret in _secrets():
            if encryption.name_of_key(secret.stored) != newest:
                rotated += _is_rotated(secret)
    now = status()
    return Rotation(now.values, now.unreadable, rotated)


def _is_rotated(secret: _Secret) -> bool:
    try:
        return secret.replace(encryption.encrypt(encryption.decrypt(secret.stored)))
    except DecryptionError:
        return False


def _secrets() -> Iterator[_Secret]:
    for field in _encrypted_fields():
        for key, stored in _rows(field).exclude(stored_text="").values_list("pk", "stored_text").iterator():
            yield _Secret(field, key, stored)


def _encrypted_fields() -> Iterator[EncryptedJSONField]:
    for model in apps.get_models():
        yield from (field for field in model._meta.concrete_fields if isinstance(field, EncryptedJSONField))


def _rows(field: EncryptedJSONField) -> models.QuerySet[models.Model]:
    """Return the rows of all tenants, with the value as it is stored."""
    every = field.model._base_manager.annotate(stored_text=Cast(field.name, TextField()))
    rows: models.QuerySet[models.Model] = every.order_by("pk")
    return rows
