"""The tenant's own pages in the search, and those of the help."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from kingsync.models.tenants import Tenant
from kingsync.web.help import search as help_search
from kingsync.web.search import hits
from kingsync.web.search.hits import Hit

AT_MOST = 6


def found(tenant: Tenant, text: str) -> list[Hit]:
    """Return the pages whose name has all the words; the main ones when there are none."""
    wanted = hits.words(text)
    named = [Hit(name, address) for name, address in _pages(tenant.slug) if hits.has_all(name, wanted)]
    return named[:AT_MOST]


def of_help(text: str) -> list[Hit]:
    """Return what the help explains of a text: articles, settings, messages."""
    return [Hit(each.title, each.address, each.kind) for each in help_search.search(text, most=AT_MOST)]


def _pages(slug: str) -> list[tuple[str, str]]:
    def address(name: str) -> str:
        return reverse(name, args=[slug])

    return [
        (_("Start"), address("tenant")),
        (_("Work orders"), address("work_orders")),
        (_("Work orders that need attention"), f"{address('work_orders')}?state=person"),
        (_("Master data"), address("records")),
        (_("Runs"), address("runs")),
        (_("Settings"), address("settings")),
        (_("Work orders by cause"), address("causes")),
        (_("Figures"), address("figures")),
        (_("Statements"), address("statements")),
        (_("Log"), address("log")),
        (_("King's XML files"), address("king_files")),
        (_("Versions of the settings"), address("settings_versions")),
        (_("Users"), address("people")),
        (_("Audit trail"), address("audit")),
        (_("My account"), reverse("account")),
    ]
