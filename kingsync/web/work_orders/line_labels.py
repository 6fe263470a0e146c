"""Order lines in words: where one comes from, its name in King, how its hours were rounded."""

from __future__ import annotations

from decimal import Decimal

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.king.records import LineKind
from kingsync.models import sync_settings
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import OrderLine
from kingsync.rules import amounts, hours
from kingsync.web.shared import money

TEXT_SETTINGS = {"work_description", *sync_settings.TEXT_LINES}
_KING_KINDS: dict[str | None, str | Promise] = {
    LineKind.ARTICLE: gettext_lazy("article"),
    LineKind.RATE: gettext_lazy("rate"),
    LineKind.TEXT: gettext_lazy("text line"),
}


def origin(line: OrderLine) -> str:
    """Return where a line comes from; text lines by the names of their settings."""
    return text_label(line.source) if line.kind == OrderLine.Kind.TEXT else line.source


def text_label(name: str) -> str:
    """Return the name of the setting that a text line comes from."""
    if name not in TEXT_SETTINGS:
        return name
    return str(getattr(SyncSettings._meta.get_field(name), "verbose_name", name))


def king_kind(kind: str | None) -> str:
    return str(_KING_KINDS.get(kind, ""))


def number(amount: Decimal | None) -> str:
    """Return an amount in the format of this language, without trailing zeros."""
    return "" if amount is None else formats.localize(hours.plain(amount))


def amount(line: OrderLine) -> str:
    """Return what a line that goes to King comes to; "" for a line without a quantity, and for all other lines."""
    if line.quantity is None or line.state not in (OrderLine.State.PLANNED, OrderLine.State.SENT):
        return ""
    return money.amount(amounts.of_line(line.quantity, line.price))


def price(line: OrderLine) -> str:
    """Return the price behind the amount, and whose it is."""
    if line.price is None or not amount(line):
        return ""
    return f"{line.get_price_of_display()}: {money.price(line.price)}"


def rounding(line: OrderLine, *, step: int) -> str:
    """Return how registered time became King's quantity; "" for a line that is not time."""
    if line.registered_minutes is None:
        return ""
    values = {
        "registered": hours.as_clock(line.registered_minutes),
        "rounded": hours.as_clock(line.rounded_minutes or 0),
        "step": step,
        "quantity": number(line.quantity),
    }
    if line.rounded_minutes is None:
        return _("registered %(registered)s") % values
    if line.rounded_minutes == line.registered_minutes:
        return _("registered %(registered)s = %(quantity)s") % values
    if not step:
        return _("registered %(registered)s, rounded up: %(rounded)s = %(quantity)s") % values
    return _("registered %(registered)s, rounded up to %(step)s minutes: %(rounded)s = %(quantity)s") % values
