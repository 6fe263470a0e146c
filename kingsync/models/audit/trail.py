"""Record facts in the audit trail: call it in the transaction that stores the fact itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from kingsync.models.audit import actors
from kingsync.models.audit.actions import Action
from kingsync.models.audit.actors import By, Person
from kingsync.models.audit.entries import ACTOR_LENGTH, ADDRESS_LENGTH, SUBJECT_LENGTH, AuditEntry

# What stands for a secret.
CHANGED = "changed"
# A field whose path contains one of these is a secret, or may hold one: a pasted certificate may include its key.
SECRET_FIELDS = frozenset(
    {"password", "token", "software_token", "bearer_token", "access_code", "access_codes", "credentials", "key"}
    | {"ca_certificate", "secret", "code"}
)

Values = Mapping[str, Any]


class Account(Person, Protocol):
    """An account with its companies."""

    memberships: Any


_is_silent: ContextVar[bool] = ContextVar("silent trail", default=False)


@contextmanager
def silent() -> Iterator[None]:
    """Record nothing in the block: of a company that is deleted, only that is kept."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)


def record(
    action: Action,
    *,
    tenant: int | None,
    subject: str = "",
    before: Values | None = None,
    after: Values | None = None,
    by: By = None,
) -> None:
    """Add an entry. `by` names the actor where the context (`actors.acting`) does not know who it is."""
    record_many([entry(action, tenant=tenant, subject=subject, before=before, after=after, by=by)])


def record_many(entries: Iterable[AuditEntry]) -> None:
    if not _is_silent.get():
        AuditEntry.across_tenants.bulk_create(entries)


def record_of_account(
    action: Action, account: Account, *, before: Values | None = None, after: Values | None = None, by: By = None
) -> None:
    """Add an entry about an account to the trail of each company that it works for; to no company's if there is none.

    Without a person in the context it is the account's own doing: someone who logs in, or follows a link of an e-mail.
    """
    subject, who = actors.text_of(account), by or _self_if_visitor(account)
    record_many(
        entry(action, tenant=tenant, subject=subject, before=before, after=after, by=who)
        for tenant in tenants_of(account)
    )


def record_once(action: Action, *, during: str, tenant: int | None, subject: str = "", by: By = None) -> None:
    """Add an entry unless there is one of the same key: `during` names subject and period."""
    key = hashlib.sha256(f"{action} {tenant} {during}".encode()).hexdigest()
    if AuditEntry.across_tenants.filter(once=key).exists():
        return
    row = entry(action, tenant=tenant, subject=subject, by=by)
    row.once = key
    AuditEntry.across_tenants.bulk_create([row], ignore_conflicts=True)  # another request may be first


def entry(
    action: Action,
    *,
    tenant: int | None,
    subject: str = "",
    before: Values | None = None,
    after: Values | None = None,
    by: By = None,
) -> AuditEntry:
    """Return an unsaved entry, without any secret."""
    actor = actors.current(by)
    return AuditEntry(
        action=action,
        tenant_id=tenant,
        actor_kind=actor.kind,
        user_id=actor.user_id,
        actor=actor.name[:ACTOR_LENGTH],
        address=actor.address[:ADDRESS_LENGTH],
        subject=subject[:SUBJECT_LENGTH],
        before=before and {name: value for name, value in before.items() if not is_secret(name)},
        after=after and {name: CHANGED if is_secret(name) else value for name, value in after.items()},
    )


def tenants_of(account: Account) -> list[int | None]:
    return list(account.memberships.order_by("tenant_id").values_list("tenant_id", flat=True)) or [None]


def is_secret(name: str) -> bool:
    return not SECRET_FIELDS.isdisjoint(name.split("."))


def _self_if_visitor(account: Account) -> Person | None:
    return account if actors.current().kind == actors.ActorKind.VISITOR else None
