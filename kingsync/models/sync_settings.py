"""A tenant's settings, as columns; every version is kept."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.models.audit import changes, trail
from kingsync.models.audit.actions import Action
from kingsync.models.runs import NextRun, RunKind
from kingsync.models.tenants import TenantOwned
from kingsync.rules import limits, mapping, texts

if TYPE_CHECKING:
    from kingsync.models.users import User


class Inactive(models.TextChoices):
    SKIP = "skip", _("skip")
    IMPORT = "import", _("import as usual")
    DEACTIVATE = "deactivate", _("deactivate in OutSmart")


class Missing(models.TextChoices):
    IGNORE = "ignore", _("leave as is")
    DEACTIVATE = "deactivate", _("deactivate in OutSmart")


class Price(models.TextChoices):
    SALES = "sales", _("sales price")
    COST = "cost", _("cost price")
    NONE = "none", _("no price")


class Rounding(models.IntegerChoices):
    NONE = 0, _("none")
    FIVE = 5, _("round up to 5 minutes")
    FIFTEEN = 15, _("round up to 15 minutes")
    THIRTY = 30, _("round up to 30 minutes")


class Sequence(models.TextChoices):
    MATERIALS_HOURS_TEXT = "materials_hours_text", _("products, hour types, text lines")
    HOURS_MATERIALS_TEXT = "hours_materials_text", _("hour types, products, text lines")
    TEXT_MATERIALS_HOURS = "text_materials_hours", _("text lines, products, hour types")
    TEXT_HOURS_MATERIALS = "text_hours_materials", _("text lines, hour types, products")


class AssignRelation(models.TextChoices):
    CUSTOMER = "customer", _("customer relation")
    INVOICE = "invoice", _("invoice relation")


class Incomplete(models.TextChoices):
    SEND_REST = "send_rest", _("send the other lines")
    HOLD = "hold", _("send nothing until all lines are right")


class OtherCustomer(models.TextChoices):
    HOLD = "hold", _("hold the work order")
    SEND = "send", _("send anyway")


class Review(models.TextChoices):
    CREDIT = "credit", _("a credit line")
    WARRANTY = "warranty", _("a material under warranty")
    ZERO_PRICE = "zero_price", _("a line with a price of zero")
    FREE_LINE = "free_line", _("a line without an article number")
    FIRST_ORDER = "first_order_of_customer", _("the first order of a customer")


class MailMode(models.TextChoices):
    OFF = "off", _("no e-mail")
    EACH = "each", _("an e-mail for each problem")
    DIGEST = "digest", _("one e-mail a day")


class StaleVersionError(RuntimeError):
    """Someone else saved the settings in the meantime."""


def sentence(problem: mapping.Problem) -> str:
    """Return the problem in the reader's language."""
    return gettext(problem.message) % {"value": problem.value}


def valid_text_line(value: str) -> None:
    """Raise `ValidationError` that names the unknown tag or the stray brace."""
    problem = texts.problem_of(value)
    if problem is not None:
        raise ValidationError(_("“%(text)s” is not a known tag."), params={"text": problem}, code="unknown_tag")


# All defaults are those of the tenant file.
_FILE = mapping.Mapping()
_SCHEDULE, _IMPORTS, _EXPORTS = _FILE.schedule, _FILE.imports, _FILE.exports
INTERVAL = [MinValueValidator(1), MaxValueValidator(limits.MINUTES)]


class SyncSettings(TenantOwned):
    """One row per tenant. Change it through `store`, which raises `version` and keeps the old one."""

    version = models.PositiveIntegerField(_("version"), default=0, editable=False)

    schedule_enabled = models.BooleanField(_("synchronise automatically"), default=_SCHEDULE.enabled)
    import_minutes = models.PositiveIntegerField(
        _("minutes between imports"), default=_SCHEDULE.import_minutes, validators=INTERVAL
    )
    export_minutes = models.PositiveIntegerField(
        _("minutes between exports"), default=_SCHEDULE.export_minutes, validators=INTERVAL
    )

    customers_enabled = models.BooleanField(_("customers"), default=_IMPORTS.customers.enabled)
    customers_inactive = models.CharField(
        _("blocked customers"), max_length=10, choices=Inactive.choices, default=_IMPORTS.customers.inactive
    )
    customers_delivery_addresses = models.BooleanField(
        _("delivery addresses"), default=_IMPORTS.customers.delivery_addresses
    )
    customers_contact_persons = models.BooleanField(_("contact persons"), default=_IMPORTS.customers.contact_persons)
    products_enabled = models.BooleanField(_("products"), default=_IMPORTS.products.enabled)
    products_inactive = models.CharField(
        _("blocked products"), max_length=10, choices=Inactive.choices, default=_IMPORTS.products.inactive
    )
    products_price = models.CharField(
        _("price of products"), max_length=5, choices=Price.choices, default=_IMPORTS.products.price
    )
    products_revenue_groups = ArrayField(
        models.CharField(max_length=limits.REVENUE_GROUP),
        verbose_name=_("only these revenue groups"),
        default=list,
        blank=True,
    )
    hour_types_enabled = models.BooleanField(_("hour types"), default=_IMPORTS.hour_types.enabled)
    hour_types_inactive = models.CharField(
        _("blocked hour types"), max_length=10, choices=Inactive.choices, default=_IMPORTS.hour_types.inactive
    )
    warehouses_enabled = models.BooleanField(_("warehouses"), default=_IMPORTS.warehouses.enabled)
    orders_enabled = models.BooleanField(_("orders"), default=_IMPORTS.orders.enabled)
    orders_from_date = models.DateField(_("start date of orders"), null=True, blank=True)
    orders_type_of_work = models.CharField(
        _("type of work"), max_length=limits.CODE, default=_IMPORTS.orders.type_of_work
    )
    orders_payment_method = models.CharField(
        _("payment method"), max_length=limits.CODE, default=_IMPORTS.orders.payment_method
    )
    orders_work_status = models.CharField(_("work order status of new work orders"), max_length=limits.CODE, blank=True)
    orders_materials = models.BooleanField(_("article lines as materials"), default=_IMPORTS.orders.materials)
    missing = models.CharField(
        _("records no longer in King"), max_length=10, choices=Missing.choices, default=_IMPORTS.missing
    )
    brake_percent = models.PositiveIntegerField(
        _("safety limit (%)"), default=_IMPORTS.brake_percent, validators=[MaxValueValidator(limits.PERCENT)]
    )

    export_orders = models.BooleanField(_("Orders"), default=_EXPORTS.orders)
    work_order_status = models.CharField(
        _("Work order status"), max_length=limits.CODE, default=_EXPORTS.work_order_status
    )
    default_warehouse = models.CharField(
        _("Default warehouse"), max_length=limits.CODE, default=_EXPORTS.default_warehouse, blank=True
    )
    hour_rounding = models.PositiveIntegerField(
        _("Hour rounding"), choices=Rounding.choices, default=_EXPORTS.hour_rounding
    )
    work_description = models.BooleanField(_("Work description"), default=_EXPORTS.work_description)
    create_new_order = models.BooleanField(_("Create new order"), default=_EXPORTS.create_new_order)
    approve_order = models.BooleanField(_("Approve order"), default=_EXPORTS.approve_order)
    order_line_sequence = models.CharField(
        _("Order line sequence"), max_length=30, choices=Sequence.choices, default=_EXPORTS.order_line_sequence
    )
    assign_relation = models.CharField(
        _("Assign relation"), max_length=10, choices=AssignRelation.choices, default=_EXPORTS.assign_relation
    )
    extra_text_line_1 = models.CharField(
        _("Extra text line 1"),
        max_length=limits.TEXT_LINE,
        blank=True,
        default=_EXPORTS.extra_text_lines[0],
        validators=[valid_text_line],
    )
    extra_text_line_2 = models.CharField(
        _("Extra text line 2"), max_length=limits.TEXT_LINE, blank=True, validators=[valid_text_line]
    )
    extra_text_line_3 = models.CharField(
        _("Extra text line 3"), max_length=limits.TEXT_LINE, blank=True, validators=[valid_text_line]
    )
    extra_text_line_4 = models.CharField(
        _("Extra text line 4"), max_length=limits.TEXT_LINE, blank=True, validators=[valid_text_line]
    )
    interim_updates = models.BooleanField(_("Interim updates"), default=_EXPORTS.interim_updates)
    order_update_status = models.CharField(_("Order update status"), max_length=limits.CODE, blank=True)
    create_interim_order = models.BooleanField(_("Create interim order"), default=_EXPORTS.create_interim_order)
    incomplete_orders = models.CharField(
        _("Orders with a refused line"), max_length=10, choices=Incomplete.choices, default=_EXPORTS.incomplete_orders
    )
    order_of_other_customer = models.CharField(
        _("Orders of another customer"),
        max_length=10,
        choices=OtherCustomer.choices,
        default=_EXPORTS.order_of_other_customer,
        db_default=OtherCustomer.HOLD,
    )
    free_line_article = models.CharField(_("article for lines without a code"), max_length=limits.ARTICLE, blank=True)
    send_prices = models.BooleanField(_("send prices"), default=_EXPORTS.send_prices)
    success_status = models.CharField(_("status after success"), max_length=limits.CODE, blank=True)
    failure_status = models.CharField(_("status after a rejection"), max_length=limits.CODE, blank=True)
    export_from_date = models.DateField(_("start date"), null=True, blank=True)
    review = ArrayField(
        models.CharField(max_length=limits.CODE, choices=Review.choices),
        verbose_name=_("review before sending"),
        default=list,
        db_default=[],
        blank=True,
    )
    travel_article = models.CharField(
        _("article for travel distance"), max_length=limits.ARTICLE, blank=True, default="", db_default=""
    )

    notification_emails = ArrayField(
        models.EmailField(max_length=limits.EMAIL), verbose_name=_("e-mail addresses"), default=list, blank=True
    )
    notification_mode = models.CharField(
        _("e-mail frequency"), max_length=10, choices=MailMode.choices, default=_FILE.notifications.mode
    )

    class Meta:
        verbose_name = _("settings")
        verbose_name_plural = _("settings")
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_settings_row_per_tenant")]

    def __str__(self) -> str:
        return f"{self.tenant_id}, version {self.version}"

    def clean(self) -> None:
        """Refuse combinations that cannot work; the same rules apply to the tenant file."""
        try:
            problems = mapping.problems_of(self.as_mapping())
        except msgspec.ValidationError:
            return  # a field is out of its limits: its own validators report that at the field
        if problems:
            raise ValidationError({_column_of(path): sentence(problem) for path, problem in problems.items()})

    def as_document(self) -> dict[str, Any]:
        """Return the sections `schedule`, `imports`, `exports`, `notifications` of the tenant file."""
        document: dict[str, Any] = {}
        for path, column in COLUMNS.items():
            target = document
            for part in path[:-1]:
                target = target.setdefault(part, {})
            value = getattr(self, column)
            target[path[-1]] = list(value) if isinstance(value, list | tuple) else value
        document["exports"]["extra_text_lines"] = [getattr(self, name) for name in TEXT_LINES]
        return document

    def as_mapping(self) -> mapping.Mapping:
        return msgspec.convert(self.as_document(), mapping.Mapping)

    def take(self, choices: mapping.Mapping) -> None:
        """Copy all settings of a mapping into the columns, without saving."""
        document = msgspec.to_builtins(choices, builtin_types=[datetime.date])
        for path, column in COLUMNS.items():
            value = document
            for part in path:
                value = value[part]
            setattr(self, column, list(value) if isinstance(value, list | tuple) else value)
        lines = [*choices.exports.extra_text_lines, "", "", "", ""]
        for name, line in zip(TEXT_LINES, lines, strict=False):
            setattr(self, name, line)

    def store(self, *, by: User | None, expected_version: int | None = None) -> bool:
        """Save as a new version and add it to the history; return False when nothing changed.

        Raises `StaleVersionError` when a version other than `expected_version` was saved meanwhile.
        """
        with transaction.atomic():
            stored = type(self).across_tenants.select_for_update().filter(pk=self.pk).first()
            if stored and expected_version is not None and stored.version != expected_version:
                raise StaleVersionError(str(StaleVersionError.__doc__))
            if stored and stored.version and stored.as_document() == self.as_document():
                return False
            self.version = (stored.version if stored else 0) + 1
            self.save()
            SettingsVersion(
                tenant_id=self.tenant_id,
                version=self.version,
                document=msgspec.to_builtins(self.as_document()),
                saved_by_id=by.pk if by else None,
            ).save()
            if stored is None:
                _show_to_the_clock(self.tenant_id)
            self._record(stored or SyncSettings(), by=by)
        return True

    def _record(self, before: SyncSettings, *, by: User | None) -> None:
        """Record which settings differ from those before; of the first version, from the defaults."""
        names = [name for name in (*COLUMNS.values(), *TEXT_LINES) if getattr(self, name) != getattr(before, name)]
        old, new = ({"version": row.version, **changes.columns(row, names)} for row in (before, self))
        trail.record(Action.SETTINGS_SAVED, tenant=self.tenant_id, before=old, after=new, by=by)


def _show_to_the_clock(tenant_id: int) -> None:
    rows = [NextRun(tenant_id=tenant_id, kind=kind) for kind in RunKind]
    NextRun.across_tenants.bulk_create(rows, ignore_conflicts=True)


class SettingsVersion(TenantOwned):
    """One saved version of a tenant's settings; holds no secrets."""

    version = models.PositiveIntegerField(_("version"))
    document = models.JSONField(_("settings"))
    saved_at = models.DateTimeField(_("saved at"), auto_now_add=True)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("saved by")
    )

    class Meta:
        verbose_name = _("version of the settings")
        verbose_name_plural = _("versions of the settings")
        constraints = [models.UniqueConstraint(fields=["tenant", "version"], name="each_settings_version_once")]

    def __str__(self) -> str:
        return f"{self.version}"


TEXT_LINES = ("extra_text_line_1", "extra_text_line_2", "extra_text_line_3", "extra_text_line_4")
_RENAMED = {
    ("schedule", "enabled"): "schedule_enabled",
    ("exports", "orders"): "export_orders",
    ("exports", "from_date"): "export_from_date",
    ("notifications", "emails"): "notification_emails",
    ("notifications", "mode"): "notification_mode",
}


def label(column: str) -> str:
    """Return the name of a setting as the pages show it."""
    name = str(getattr(SyncSettings._meta.get_field(column), "verbose_name", column))
    return name[:1].upper() + name[1:]


def _columns() -> dict[tuple[str, ...], str]:
    """Return path in the tenant file → column, for every field except the text lines."""
    found: dict[tuple[str, ...], str] = {}
    sections = msgspec.to_builtins(mapping.Mapping())
    for section, fields in sections.items():
        for name, value in fields.items():
            if isinstance(value, dict):
                found |= {(section, name, inner): f"{name}_{inner}" for inner in value}
            elif name != "extra_text_lines":
                found[(section, name)] = _RENAMED.get((section, name), name)
    return found


COLUMNS = _columns()


def _column_of(path: str) -> str:
    """Return the column of a path of the tenant file; a path into a list is the column of the list."""
    parts = tuple(path.split("."))
    if parts[:2] == ("exports", "extra_text_lines"):
        return TEXT_LINES[int(parts[-1])]
    return COLUMNS[parts[:-1] if parts[-1].isdigit() else parts]
