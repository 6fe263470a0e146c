"""A tenant's settings as frozen values: the sections of the tenant file, with their defaults and limits."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Literal

import msgspec

from kingsync.rules import limits, texts
from kingsync.rules.outcomes import gettext_noop

Language = Literal["nl", "en"]
LANGUAGE: Language = "nl"
Inactive = Literal["skip", "import", "deactivate"]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=limits.MINUTES)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=limits.PERCENT)]
Line = Annotated[str, msgspec.Meta(max_length=limits.TEXT_LINE)]
Code = Annotated[str, msgspec.Meta(max_length=limits.CODE)]
Article = Annotated[str, msgspec.Meta(max_length=limits.ARTICLE)]
RevenueGroup = Annotated[str, msgspec.Meta(max_length=limits.REVENUE_GROUP)]
Review = Literal["credit", "warranty", "zero_price", "free_line", "first_order_of_customer"]
Email = Annotated[str, msgspec.Meta(max_length=limits.EMAIL)]
# The length limit of every list without its own.
MANY = msgspec.Meta(max_length=limits.ENTRIES)


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: refuses an unknown key with its path."""


class Schedule(Section, frozen=True, kw_only=True):
    enabled: bool = False
    import_minutes: Minutes = 15
    export_minutes: Minutes = 15


class Customers(Section, frozen=True, kw_only=True):
    enabled: bool = False
    inactive: Inactive = "deactivate"
    delivery_addresses: bool = True
    contact_persons: bool = True


class Products(Section, frozen=True, kw_only=True):
    enabled: bool = False
    inactive: Inactive = "skip"
    price: Literal["sales", "cost", "none"] = "sales"
    revenue_groups: Annotated[tuple[RevenueGroup, ...], MANY] = ()


class HourTypes(Section, frozen=True, kw_only=True):
    enabled: bool = False
    inactive: Inactive = "deactivate"


class Warehouses(Section, frozen=True, kw_only=True):
    enabled: bool = False


class Orders(Section, frozen=True, kw_only=True):
    enabled: bool = False
    from_date: datetime.date | None = None
    type_of_work: Code = "Service"
    payment_method: Code = "op rekening"
    work_status: Code = ""
    materials: bool = True


class Imports(Section, frozen=True, kw_only=True):
    customers: Customers = Customers()
    products: Products = Products()
    hour_types: HourTypes = HourTypes()
    warehouses: Warehouses = Warehouses()
    orders: Orders = Orders()
    missing: Literal["ignore", "deactivate"] = "ignore"
    brake_percent: Percent = 5


class Exports(Section, frozen=True, kw_only=True):
    orders: bool = False
    work_order_status: Code = "1"
    default_warehouse: Code = "1"
    hour_rounding: Literal[0, 5, 15, 30] = 15
    work_description: bool = True
    create_new_order: bool = True
    approve_order: bool = False
    order_line_sequence: Literal[
        "materials_hours_text", "hours_materials_text", "text_materials_hours", "text_hours_materials"
    ] = "materials_hours_text"
    assign_relation: Literal["customer", "invoice"] = "invoice"
    extra_text_lines: Annotated[tuple[Line, ...], msgspec.Meta(max_length=limits.TEXT_LINES)] = (
        "Werkbon {order_number}",
        "",
        "",
        "",
    )
    interim_updates: bool = False
    order_update_status: Code = ""
    create_interim_order: bool = False
    incomplete_orders: Literal["send_rest", "hold"] = "send_rest"
    order_of_other_customer: Literal["hold", "send"] = "hold"
    free_line_article: Article = ""
    send_prices: bool = False
    success_status: Code = ""
    failure_status: Code = ""
    from_date: datetime.date | None = None
    review: Annotated[tuple[Review, ...], MANY] = ()
    travel_article: Article = ""


class Notifications(Section, frozen=True, kw_only=True):
    emails: Annotated[tuple[Email, ...], MANY] = ()
    mode: Literal["off", "each", "digest"] = "digest"


class Mapping(Section, frozen=True, kw_only=True):
    """All settings of one tenant at one version, the form in which rules take them."""

    schedule: Schedule = Schedule()
    imports: Imports = Imports()
    exports: Exports = Exports()
    notifications: Notifications = Notifications()


class Problem(msgspec.Struct, frozen=True):
    """A problem with one setting: an English sentence to translate, with `%(value)s` filled in from `value`."""

    message: str
    value: str = ""


def problems_of(choices: Mapping) -> dict[str, Problem]:
    """Return path → problem, for settings that are valid alone but cannot work together."""
    exports = choices.exports
    problems: dict[str, Problem] = {}
    if not exports.work_order_status.strip():
        message = gettext_noop("Choose the work order status that starts the export.")
        problems["exports.work_order_status"] = Problem(message)
    if exports.interim_updates and not exports.order_update_status.strip():
        problems["exports.order_update_status"] = Problem(gettext_noop("Interim updates need an order update status."))
    if exports.interim_updates and exports.order_update_status == exports.work_order_status:
        message = gettext_noop("This must differ from the status of finished work orders.")
        problems["exports.order_update_status"] = Problem(message)
    for index, line in enumerate(exports.extra_text_lines):
        unknown = texts.problem_of(line)
        if unknown is not None:
            path = f"exports.extra_text_lines.{index}"
            problems[path] = Problem(gettext_noop("“%(value)s” is not a known tag."), unknown)
    for index, address in enumerate(choices.notifications.emails):
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
            problems[f"notifications.emails.{index}"] = Problem(
                gettext_noop("“%(value)s” is not an e-mail address."), address
            )
    return problems
