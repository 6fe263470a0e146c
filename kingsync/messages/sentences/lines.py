"""Why a line of a work order is refused or left out."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, str | Promise] = {
    "line_refused": _("Line “%(line)s”: %(sentence)s"),
    "line_refused.no_hour_type": _("Hours %(line)s have no hour type."),
    "no_article_code": _("The material has no article number."),
    "unknown_article": _("King does not know article %(article)s."),
    "blocked_article": _("Article %(article)s is blocked for sale in King."),
    "unknown_warehouse": _("King does not know warehouse %(warehouse)s."),
    "no_quantity": _("The quantity is empty."),
    "unreadable_quantity": _("The quantity “%(value)s” cannot be read."),
    "too_many_decimals": _("King accepts at most %(decimals)s decimals for %(number)s; the quantity is %(quantity)s."),
    "quantity_too_large": _(
        "The quantity %(value)s is larger than King accepts. Was a code scanned into the quantity by mistake?"
    ),
    "zero_quantity": _("The quantity is zero."),
    "unreadable_price": _("The price “%(value)s” cannot be read."),
    "negative_price": _("King does not accept a negative price (%(value)s). Enter a credit as a negative quantity."),
    "price_too_large": _("The price %(value)s is larger than King accepts."),
    "price_decimals": _("King accepts at most %(decimals)s decimals in a price; this one is %(value)s."),
    "line_text_too_long": _(
        "The text has %(length)s characters; King accepts at most %(limit)s. Shorten it in OutSmart: "
        "nothing is cut off."
    ),
    "no_hour_type": _("The work period has no hour type."),
    "unknown_rate": _("King does not know rate %(rate)s."),
    "blocked_rate": _("Rate %(rate)s is blocked for sale in King."),
    "no_time": _("The work period has no time."),
    "unreadable_time": _("The time “%(value)s” cannot be read."),
    "break_too_long": _("The break (%(break)s minutes) is longer than the work period."),
    "zero_time": _("The work period has no minutes."),
    "time_does_not_fit": _(
        "Rate %(rate)s has %(decimals)s decimals in King: %(minutes)s minutes cannot be booked in it."
    ),
    "unreadable_distance": _("The travel distance “%(value)s” cannot be read."),
    "negative_distance": _("The travel distance is negative (%(value)s)."),
    "empty_text": _("The text is empty."),
    "refused_by_king": _("King refused it: %(detail)s"),
}
