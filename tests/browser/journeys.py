"""A user at the pages: reading texts in their own language, and the common actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext
from playwright.sync_api import Locator, Page, expect

from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from tests import factories
from tests.browser import sessions


@dataclass(frozen=True)
class Person:
    """A browser window, and the language of its pages."""

    page: Page
    site: str
    language: str = "en"

    def reads(self, text: str, context: str = "", **values: str) -> str:
        """Return a text of the pages in this person's language."""
        with translation.override(self.language):
            found = str(capfirst(pgettext(context, text) if context else gettext(text)))
        return found % values if values else found

    @classmethod
    def arriving(cls, page: Page, site: str, language: str, user: User) -> Self:
        """Return a person who has logged in before, on the first page after that."""
        sessions.log_in(page.context, user, site)
        page.goto(f"{site}/")
        return cls(page, site, language)

    def logs_in(self, name: str, *, wanted: str = "/") -> None:
        self.page.goto(f"{self.site}/login/?next={wanted}")
        self.page.get_by_label(self.reads("E-mail address")).fill(factories.address(name))
        self.page.get_by_label(self.reads("Password")).fill(factories.PASSWORD)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("button", name=self.reads("Log out"))).to_be_visible()

    def opens(self, tenant: Tenant, address: str = "") -> None:
        self.page.goto(f"{self.site}/t/{tenant.slug}/{address}")

    def goes_to(self, tab: str) -> None:
        """Follow one of the tabs of the tenant's pages."""
        self.page.get_by_role("navigation").get_by_role("link", name=self.reads(tab), exact=True).first.click()

    def button(self, text: str, context: str = "", *, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=self.reads(text, context), exact=True)

    def link(self, text: str, *, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("link", name=self.reads(text), exact=True)

    def region(self, text: str) -> Locator:
        return self.page.get_by_role("region", name=self.reads(text), exact=True)

    def unfolds_other_actions(self) -> None:
        """Show what else can be done with a work order, besides what its page recommends."""
        self.page.locator("details.others > summary").click()

    def sees(self, text: str, *, within: Locator | None = None, **values: str) -> None:
        told = self.reads(text) % values if values else self.reads(text)
        expect((within or self.page).get_by_text(told).first).to_be_visible()

    def starts(self, kind: str, button: Locator) -> None:
        """Press a button of the start page and wait until the panel shows the end of that run, not an earlier one."""
        with self.page.expect_response(f"**/start/{kind}/"):
            button.click()
        newest = SyncRun.across_tenants.filter(kind=kind).order_by("-pk")[0]
        ended = self.live(kind).locator(f"a[href$='/runs/{newest.pk}/']")
        expect(ended).to_be_visible()

    def live(self, kind: str) -> Locator:
        """Return the start page's panel of the newest import or export."""
        return self.page.locator(f"#live-{kind}")
