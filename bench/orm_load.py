"""The import as a plain script writes it: `requests` and Django's ORM, page by page, one thing after the other.

`python -m bench.orm_load SLUG KING_URL OUTSMART_URL` compares each row with what was sent before, posts those that
differ, stores them, and prints the seconds.
"""

from __future__ import annotations

import json
import sys
import time

import django
import requests

from bench import import_floor

BATCH = import_floor.BATCH


def main() -> None:
    """Import all articles into the tenant's links and print how long it took."""
    django.setup()
    from kingsync.models import tenants  # noqa: PLC0415 (after the set-up)

    slug, king_url, outsmart_url = sys.argv[1:]
    with requests.Session() as king, requests.Session() as outsmart:
        king.trust_env = outsmart.trust_env = False
        with tenants.scope(tenants.Tenant.objects.get(slug=slug)):
            began = time.monotonic()
            for page in import_floor.pages(king, king_url):
                _load(import_floor.rows_of(page), outsmart, outsmart_url)
            sys.stdout.write(f"{time.monotonic() - began}\n")


def _load(rows: list[import_floor.Row], outsmart: requests.Session, url: str) -> None:
    from kingsync.models.links import RecordLink  # noqa: PLC0415 (after the set-up)

    by_code = {str(row["code"]): row for row in rows}
    links = RecordLink.objects.filter(kind="product", king_id__in=by_code)
    sent = dict(links.values_list("king_id", "sent"))
    changed = [code for code, row in by_code.items() if sent.get(code) != json.dumps(row)]
    for start in range(0, len(changed), BATCH):
        import_floor.post(outsmart, url, [by_code[code] for code in changed[start : start + BATCH]])
    _store({code: by_code[code] for code in changed})


def _store(rows: dict[str, import_floor.Row]) -> None:
    from django.utils import timezone  # noqa: PLC0415 (after the set-up)

    from kingsync.models import tenants  # noqa: PLC0415
    from kingsync.models.links import RecordLink  # noqa: PLC0415

    owner = {"tenant_id": tenants.current_id(), "administration_id": tenants.current_administration_id()}
    links = [
        RecordLink(
            **owner,
            kind="product",
            king_id=code,
            outsmart_id=code,
            name=row["description"][:255],
            state=RecordLink.State.LINKED,
            is_active=True,
            sent=json.dumps(row),
            synced_at=timezone.now(),
        )
        for code, row in rows.items()
    ]
    RecordLink.objects.bulk_create(
        links,
        update_conflicts=True,
        unique_fields=["tenant", "administration", "kind", "king_id"],
        update_fields=["outsmart_id", "name", "state", "is_active", "sent", "synced_at"],
    )


if __name__ == "__main__":
    main()
