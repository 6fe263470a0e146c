"""The form of a tenant's settings: every column, in the sections and words of the manual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django import forms
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from kingsync.king_mirror import named_articles
from kingsync.models import import_kinds, tenants
from kingsync.models.connections import System
from kingsync.models.links import KingRecord, WorkStatus
from kingsync.models.sync_settings import COLUMNS, TEXT_LINES, Review, SyncSettings, sentence, valid_text_line
from kingsync.rules import limits
from kingsync.rules.mapping import Exports
from kingsync.web.shared.form_fields import LinesField

# Heading → columns, in the order of the page.
IMPORTS: dict[Any, tuple[str, ...]] = {
    capfirst(import_kinds.KINDS[name].label): tuple(
        column for path, column in COLUMNS.items() if path[:2] == ("imports", name)
    )
    for name in import_kinds.SHOWN
}
IMPORTS[_("For all master data")] = ("missing", "brake_percent")
EXPORTS: dict[Any, tuple[str, ...]] = {
    _("Which work orders"): ("export_orders", "work_order_status", "export_from_date"),
    _("The order in King"): (
        "create_new_order", "approve_order", "assign_relation", "default_warehouse", "hour_rounding",
        "order_line_sequence", "send_prices", "free_line_article", "travel_article", "incomplete_orders",
        "order_of_other_customer",
    ),
    _("Review before sending"): ("review",),
    _("Afterwards in OutSmart"): ("success_status", "failure_status"),
    _("Interim"): ("interim_updates", "order_update_status", "create_interim_order"),
}  # fmt: skip
TEXTS: dict[Any, tuple[str, ...]] = {"": ("work_description", *TEXT_LINES)}
SCHEDULE: dict[Any, tuple[str, ...]] = {"": ("schedule_enabled", "import_minutes", "export_minutes")}
NOTIFICATIONS: dict[Any, tuple[str, ...]] = {"": ("notification_mode", "notification_emails")}

HELP: dict[str, Any] = {
    "customers_enabled": _("King's customers appear in OutSmart as relations."),
    "customers_inactive": _("What happens to a customer that is blocked in King."),
    "customers_delivery_addresses": _("King's delivery addresses become work addresses."),
    "customers_contact_persons": _("King's contact persons are imported with their customer."),
    "products_enabled": _("King's articles appear in OutSmart as products."),
    "products_inactive": _("What happens to an article that is blocked in King. OutSmart cannot deactivate a product."),
    "products_price": _("The price shown in OutSmart."),
    "products_revenue_groups": _("Numbers of revenue groups in King, one per line. Empty: all articles."),
    "hour_types_enabled": _("King's rates appear in OutSmart as hour types."),
    "hour_types_inactive": _("What happens to a rate that is blocked in King."),
    "warehouses_enabled": _("King's warehouses can be chosen on work orders."),
    "orders_enabled": _("Open King orders become work orders in OutSmart."),
    "orders_from_date": _("Only orders from this date on. Empty: all."),
    "orders_type_of_work": _("The type of work of the new work orders."),
    "orders_payment_method": _("The payment method of the new work orders."),
    "orders_work_status": _("Their work order status in OutSmart. Empty: OutSmart's default."),
    "orders_materials": _("The article lines of the order are put on the work order as materials."),
    "missing": _("What happens in OutSmart to records that no longer exist in King."),
    "brake_percent": _(
        "An import stops when it would change or deactivate more than this share of the records of a kind. "
        "Up to 20 records may always change."
    ),
    "export_orders": _("Completed work orders become orders in King."),
    "work_order_status": _("The work order status in OutSmart that starts the export, usually 1 - Naar King."),
    "export_from_date": _("Work orders finished before this date are held. Empty: all are exported."),
    "create_new_order": _(
        "A work order without a King order number creates a new order. Off: it waits for a decision."
    ),
    "approve_order": _("A complete order that we created is approved and released right away."),
    "assign_relation": _("Who becomes the debtor in King: the customer or the invoice relation."),
    "default_warehouse": _("For materials without a warehouse of their own. Empty: such work orders are refused."),
    "hour_rounding": _("The time of each work period is rounded up. An exact multiple stays as it is."),
    "order_line_sequence": _("The sequence of the lines in the King order."),
    "send_prices": _("On: the prices of the work order. Off: King's own prices."),
    "free_line_article": _("The King article for materials without a code. Empty: such lines are refused."),
    "travel_article": _(
        "The King article for the travel distance of a work period. Empty: the distance is not sent to King."
    ),
    "review": _("Work orders that contain one of these are held until someone releases them."),
    "incomplete_orders": _("What happens to the other lines when King does not accept one."),
    "order_of_other_customer": _("What happens to a work order with the number of another customer's King order."),
    "success_status": _("The work order status that is set once the work order is in King. Empty: unchanged."),
    "failure_status": _("The work order status that is set when the work order is refused. Empty: unchanged."),
    "interim_updates": _("Work orders that are still in progress are also sent to King, and updated there."),
    "order_update_status": _("The work order status in OutSmart that starts an interim update."),
    "create_interim_order": _("An interim update may create a new order."),
    "work_description": _("The work description becomes the first text line of the order."),
    "schedule_enabled": _("Imports and exports start automatically. Off: only when someone presses a button."),
    "import_minutes": _("How often to check King for changes, in minutes (max. 10080)."),
    "export_minutes": _("How often to check OutSmart for completed work orders, in minutes (max. 10080)."),
    "notification_mode": _("When to send an e-mail about work orders that need attention."),
    "notification_emails": _("One address per line."),
}  # fmt: skip
IF_NEW = gettext_noop("If it is new in King, press “Refresh pick lists” and save again.")
IF_UNBLOCKED = gettext_noop("Once it is unblocked in King, press “Refresh pick lists” and save again.")
_SHORT = {"import_minutes", "export_minutes", "brake_percent", "work_order_status", "order_update_status"}
TRIGGER, WAREHOUSE = "work_order_status", "default_warehouse"
# Offered until OutSmart has named its own work order statuses.
USUAL_TRIGGER = {Exports().work_order_status: "1 - Naar King"}
MOST_WAREHOUSES = 500
STATUSES = (TRIGGER, "order_update_status", "success_status", "failure_status", "orders_work_status")
CHOSEN_FROM_SYSTEMS = (*STATUSES, WAREHOUSE)
_DATES = ("orders_from_date", "export_from_date")

# Field → the switches without which it has no effect. All of a field's switches must be on; of those separated by a
# bar, one is enough; a switch without effect itself counts as off (static/settings/settings.js).
_EXPORTED, _MAY_CREATE = "export_orders", "create_new_order|create_interim_order"
_ANY_IMPORT = "|".join(f"{name}_enabled" for name in import_kinds.SHOWN)
NEEDS: dict[str, str] = {
    **{
        name: switch
        for layout in (IMPORTS, SCHEDULE)
        for switch, *names in layout.values()
        if switch.endswith("_enabled")
        for name in names
    },
    **{name: _EXPORTED for names in EXPORTS.values() for name in names if name != _EXPORTED},
    "missing": _ANY_IMPORT,
    "brake_percent": _ANY_IMPORT,
    "order_update_status": "interim_updates",
    "create_interim_order": "interim_updates",
    "approve_order": _MAY_CREATE,
    "assign_relation": _MAY_CREATE,
    "notification_emails": "notification_mode",
}


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """All settings of a tenant, checked like the tenant file. Save it with `SyncSettings.store`."""

    instance: SyncSettings
    notification_emails = LinesField(
        forms.EmailField(max_length=limits.EMAIL),
        label=_("e-mail addresses"),
        help_text=HELP["notification_emails"],
        required=False,
    )
    products_revenue_groups = LinesField(
        forms.CharField(max_length=limits.REVENUE_GROUP),
        label=_("only these revenue groups"),
        help_text=HELP["products_revenue_groups"],
        required=False,
    )

    review = forms.MultipleChoiceField(
        choices=Review.choices,
        label=_("review before sending"),
        help_text=HELP["review"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = SyncSettings
        fields = [*COLUMNS.values(), *TEXT_LINES]
        help_texts = HELP
        widgets = {name: forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}) for name in _DATES}

    def __init__(self, data: Any = None, *, instance: SyncSettings, is_read_only: bool = False) -> None:
        if not instance.version and not instance.notification_emails:
            instance.notification_emails = tenants.emails_of_owners(instance.tenant)
        self._stored_articles = _articles({name: getattr(instance, name) for name in named_articles.SETTINGS})
        super().__init__(data, instance=instance, use_required_attribute=False)
        for name, field in self.fields.items():
            field.disabled = is_read_only
            field.show_hidden_initial = False
            field.widget.attrs["spellcheck"] = "false"
            if isinstance(field, forms.IntegerField):
                # Checked here, so that the model's own `clean` sees only values within their limits.
                field.validators = list(_column(name).validators)
            if name in _SHORT:
                field.widget.attrs["class"] = "short"
        for name in TEXT_LINES:
            self.fields[name].validators.append(valid_text_line)
        self.counts = self._choose_from_systems()

    def clean(self) -> dict[str, Any]:
        """Refuse a newly chosen article that King does not know, or has blocked."""
        cleaned = super().clean() or self.cleaned_data
        for name, problem in named_articles.problems_of(_articles(cleaned), stored=self._stored_articles).items():
            hint = IF_UNBLOCKED if problem.message == named_articles.BLOCKED else IF_NEW
            self.add_error(name, f"{sentence(problem)} {gettext(hint)}")
        return cleaned

    def notes(self) -> dict[str, str]:
        """Return field → warning about what is stored and cannot work."""
        return {name: sentence(problem) for name, problem in named_articles.unknown_in(self._stored_articles).items()}

    def _choose_from_systems(self) -> tuple[int, int]:
        """Offer the known work statuses and warehouses; return how many there are."""
        statuses = {status.code: str(status) for status in WorkStatus.objects.order_by("code")}
        warehouses = {row.number: _named(row.number, row.name) for row in _warehouses()}
        self.offer_statuses(statuses)
        self.offer_warehouses(warehouses)
        return len(statuses), len(warehouses)

    def offer_choices_of(self, system: System, choices: Iterable[tuple[str, str]]) -> None:
        """Offer what a system answered, stored or not; nothing where it has none."""
        offered = {code: _named(code, name) for code, name in choices}
        if offered and system == System.OUTSMART:
            self.offer_statuses(offered)
        elif offered:
            self.offer_warehouses(offered)

    def offer_statuses(self, statuses: dict[str, str]) -> None:
        for name in STATUSES if statuses else (TRIGGER,):
            self._offer(name, statuses or USUAL_TRIGGER, nothing=None if name == TRIGGER else "-")

    def offer_warehouses(self, warehouses: dict[str, str]) -> None:
        if warehouses:
            self._offer(WAREHOUSE, warehouses, nothing=gettext("none"))

    def _offer(self, name: str, offered: dict[str, str], *, nothing: str | None) -> None:
        """Make a field a pick list; a chosen code that the system no longer has remains selectable."""
        chosen = self._chosen(name)
        choices = ({"": nothing} if nothing else {}) | offered
        if chosen:
            choices.setdefault(chosen, chosen)
        self.fields[name].widget = forms.Select(choices=list(choices.items()))

    def _chosen(self, name: str) -> str:
        sent = self.data.get(name) if self.is_bound else None
        return str(getattr(self.instance, name) if sent is None else sent).strip()


def notification_addresses(sent: Mapping[str, str]) -> list[str]:
    """Return the e-mail addresses of a sent form; raises `ValidationError`."""
    return list(SettingsForm.base_fields["notification_emails"].clean(sent.get("notification_emails", "")))


def typed_articles(sent: Mapping[str, str]) -> list[str]:
    """Return the articles that a sent form names."""
    return [sent.get(name, "").strip()[: limits.ARTICLE] for name in named_articles.SETTINGS]


def _articles(values: Mapping[str, Any]) -> Exports:
    """Return settings with only the articles of these values; a refused one counts as empty."""
    return msgspec.structs.replace(Exports(), **{name: values.get(name) or "" for name in named_articles.SETTINGS})


def _column(name: str) -> models.Field[object, object]:
    return next(column for column in SyncSettings._meta.concrete_fields if column.name == name)


def _named(code: str, name: str) -> str:
    return f"{code} - {name}".rstrip(" -")


def _warehouses() -> list[KingRecord]:
    """Return King's warehouses as last read."""
    known = KingRecord.objects.filter(kind=KingRecord.Kind.WAREHOUSE, is_blocked=False)
    return list(known.only("number", "name").order_by("number")[:MOST_WAREHOUSES])
