"""The demo's tenant and users: a believable installation company, connected to both sandboxes."""

from __future__ import annotations

import json

from kingsync import tenant_file
from kingsync.models.import_kinds import MASTER_DATA
from kingsync.models.tenants import Membership, Role, Tenant
from kingsync.models.users import User

SLUG = "demo"
PASSWORD = "welkom-bij-kingsync"  # noqa: S105  (the demo prints it on the screen)
OPERATOR = "beheer@jansen.example"
# The defaults of `manage.py sandbox`. All secrets are given: the ports may have changed.
KING = {"administration": "DEMO01", "access_code": "sandbox-access-code", "access_codes": {}}
OUTSMART = {"token": "sandbox-token", "software_token": "sandbox-software-token", "bearer_token": ""}
OWNER = "eigenaar@jansen.example"
MEMBERS = {OWNER: Role.OWNER, "planner@jansen.example": Role.EDITOR, "kijker@jansen.example": Role.VIEWER}


def seed(*, king_url: str, outsmart_url: str) -> list[tuple[str, str, str]]:
    """Create the demo tenant, or point it to these sandboxes; return (e-mail address, password, role) of each user."""
    if Tenant.objects.filter(slug=SLUG).exists():
        document: dict[str, object] = {"slug": SLUG} | _connections(king_url, outsmart_url)
    else:
        document = _document() | _connections(king_url, outsmart_url)
    tenant = tenant_file.apply(json.dumps(document).encode())
    return _users(tenant)


def _connections(king_url: str, outsmart_url: str) -> dict[str, object]:
    return {"outsmart": {"base_url": outsmart_url, **OUTSMART}, "king": {"base_url": king_url, **KING}}


def _document() -> dict[str, object]:
    return {
        "slug": SLUG,
        "name": "Jansen Installatietechniek B.V.",
        "language": "nl",
        "schedule": {"enabled": True, "import_minutes": 15, "export_minutes": 5},
        "imports": {kind: {"enabled": True} for kind in MASTER_DATA},
        "exports": {"orders": True, "failure_status": "99", "success_status": "10"},
        "notifications": {"emails": [OWNER], "mode": "each"},
    }


def _users(tenant: Tenant) -> list[tuple[str, str, str]]:
    if not User.objects.filter(email=OPERATOR).exists():
        User.objects.create_superuser(OPERATOR, PASSWORD)
    for email, role in MEMBERS.items():
        if not User.objects.filter(email=email).exists():
            user = User.objects.create_user(email, PASSWORD)
            Membership.objects.create(tenant=tenant, user=user, role=role)
    return [(OPERATOR, PASSWORD, "operator"), *((email, PASSWORD, role.value) for email, role in MEMBERS.items())]
