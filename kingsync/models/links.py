"""Links of imported master data, and the mirror of King's master data."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import connection, models
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from kingsync.models import searched_text
from kingsync.models.tenants import AdministrationOwned, Tenant, TenantOwned


class RecordKind(models.TextChoices):
    CUSTOMER = "customer", _("customer")
    CONTACT_PERSON = "contact_person", _("contact person")
    ADDRESS = "address", _("delivery address")
    PRODUCT = "product", _("product")
    HOUR_TYPE = "hour_type", _("hour type")
    WAREHOUSE = "warehouse", _("warehouse")
    ORDER = "order", _("order")


# What the search box searches, as one text.
SEARCHED = Concat("king_id", models.Value(" "), "outsmart_id", models.Value(" "), "name")


def keys_with(part: str, *, at_most: int) -> list[int] | None:
    """Return the keys of the records whose numbers or name contain a part; None when there are more than `at_most`.

    By a view that may use the index `records_by_text`; behind the wall between tenants the table may not.
    """
    pattern = f"%{connection.ops.prep_for_like_query(part)}%"
    query = f"SELECT id FROM kingsync_searchedrecord WHERE searched LIKE {searched_text.FOLDED_PARAMETER} LIMIT %s"  # noqa: S608  (constants only)
    with connection.cursor() as cursor:
        cursor.execute(query, [*searched_text.parameters(pattern), at_most + 1])
        keys = [key for (key,) in cursor.fetchall()]
    return keys if len(keys) <= at_most else None


class RecordLink(AdministrationOwned):
    """The link of one King record to OutSmart: what we sent last decides whether it is sent again."""

    # A first import writes a hundred thousand of these: no index on the tenant alone, since the constraint below begins
    # with it, and no foreign key check per row, since the scope has looked the tenant up already.
    tenant = models.ForeignKey(
        Tenant,
        models.CASCADE,
        related_name="+",
        verbose_name=_("company"),
        db_index=False,
        db_constraint=False,
    )

    class State(models.TextChoices):
        LINKED = "linked", _("linked")
        REJECTED = "rejected", _("rejected")
        SKIPPED = "skipped", _("skipped")
        DELETED = "deleted", _("no longer in King")

    # OutSmart has the record.
    IN_OUTSMART: ClassVar = [State.LINKED, State.DELETED]

    kind = models.CharField(_("kind"), max_length=20, choices=RecordKind.choices)
    king_id = models.CharField(_("King number"), max_length=50)
    outsmart_id = models.CharField(_("OutSmart code"), max_length=255)
    name = models.CharField(_("name"), max_length=255, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    is_active = models.BooleanField(_("active"), default=True)
    # blake2b of King's bytes as last processed, 16 bytes: an unchanged record is not even decoded.
    source_hash = models.UUIDField(null=True)
    # The row as last posted, JSON; "" if never: the same row is not posted again, and a change can be explained.
    sent = models.TextField(_("as sent"), blank=True)
    # Where King's order differs from the work order made from it: [{"field", "sent", "king"}].
    difference = models.JSONField(_("difference"), default=list)
    # A reason of kingsync.messages.reason_texts, or {}.
    reason = models.JSONField(_("reason"), default=dict)
    synced_at = models.DateTimeField(_("last sent at"), null=True)
    # Whether the index of the search has it: a first import does not wait for that, the clock catches up.
    is_in_search = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        verbose_name = _("record link")
        verbose_name_plural = _("record links")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "administration", "kind", "king_id"], name="one_link_per_king_record"
            ),
            models.UniqueConstraint(
                fields=["tenant", "administration", "kind", "outsmart_id"],
                # Master data uses King's own numbers as codes: the constraint above holds for both sides.
                condition=models.Q(state="linked", kind="order"),
                name="one_link_per_outsmart_record",
            ),
        ]
        indexes = [
            # The lists of records that could not be sent, were skipped, or are deleted at source.
            models.Index(
                fields=["tenant", "kind", "state", "king_id"],
                name="records_by_state",
                condition=~models.Q(state="linked"),
            ),
            GinIndex(
                OpClass(searched_text.folded(SEARCHED), name="gin_trgm_ops"),
                name="records_by_text",
                condition=models.Q(is_in_search=True),
            ),
            models.Index(fields=["tenant"], name="records_not_in_search", condition=models.Q(is_in_search=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.king_id}"


class KingRecord(AdministrationOwned):
    """The mirror of one record of King's master data, for pre-checks and pick lists."""

    # As with RecordLink.
    tenant = models.ForeignKey(
        Tenant,
        models.CASCADE,
        related_name="+",
        verbose_name=_("company"),
        db_index=False,
        db_constraint=False,
    )

    class Kind(models.TextChoices):
        DEBTOR = "debtor", _("customer")
        ARTICLE = "article", _("product")
        RATE = "rate", _("hour type")
        WAREHOUSE = "warehouse", _("warehouse")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    number = models.CharField(_("number"), max_length=50)
    name = models.CharField(_("name"), max_length=255, blank=True)
    ean_code = models.CharField(_("EAN code"), max_length=14, blank=True)
    decimals = models.PositiveSmallIntegerField(_("decimals of quantities"), null=True)
    is_blocked = models.BooleanField(_("blocked"), default=False)
    # Excluding VAT; null where King's data does not say it.
    price = models.DecimalField(_("price"), max_digits=15, decimal_places=3, null=True)

    class Meta:
        verbose_name = _("King record")
        verbose_name_plural = _("King records")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "administration", "kind", "number"], name="one_mirror_row_per_record"
            )
        ]
        indexes = [
            # Materials that give an EAN code instead of an article number.
            models.Index(fields=["tenant", "ean_code"], name="articles_by_ean", condition=~models.Q(ean_code="")),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}".strip()


class ReadState(AdministrationOwned):
    """How far King has been read, per purpose (`mirror`, or an import kind) and kind of King record.

    `changed_until` is the moment before the last scan began: the next one asks for changes since, with an overlap.
    """

    purpose = models.CharField(_("for"), max_length=20)
    kind = models.CharField(_("kind"), max_length=10, choices=KingRecord.Kind.choices)
    complete_at = models.DateTimeField(_("last complete scan"), null=True)
    changed_until = models.DateTimeField(_("changes read until"), null=True)
    settings_version = models.PositiveIntegerField(null=True)
    # The source hashes, 16 bytes each, that the running complete scan has not seen yet; null when none is running.
    unseen = models.BinaryField(null=True)

    class Meta:
        verbose_name = _("read position")
        verbose_name_plural = _("read positions")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "administration", "purpose", "kind"], name="one_read_state_per_purpose"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.kind}"


class ImportedLine(AdministrationOwned):
    """A line of a King order that became a material of a work order: the export maps it back to that same line."""

    king_order_number = models.CharField(_("King order"), max_length=50)
    king_line_id = models.CharField(_("King line"), max_length=50)
    # How the export finds the material again: kingsync.rules.matching.Keys.
    key = models.CharField(max_length=400)
    label = models.CharField(_("comes from"), max_length=400)
    # kingsync.rules.plans.Content as JSON: the content of King's line.
    content = models.JSONField(_("as read"))

    class Meta:
        verbose_name = _("imported line")
        verbose_name_plural = _("imported lines")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "administration", "king_order_number", "king_line_id"],
                name="one_imported_line_per_king_line",
            )
        ]

    def __str__(self) -> str:
        return f"{self.king_order_number} {self.king_line_id}"


class Employee(TenantOwned):
    """The name of one of OutSmart's employees as last read, for display."""

    number = models.CharField(_("number"), max_length=255)
    name = models.CharField(_("name"), max_length=255)
    read_at = models.DateTimeField(_("read at"))

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="each_employee_once")]

    def __str__(self) -> str:
        return f"{self.number} - {self.name}"


class WorkStatus(TenantOwned):
    """One of OutSmart's own work statuses as last read, for the pick list in the settings."""

    code = models.CharField(_("code"), max_length=255)
    name = models.CharField(_("name"), max_length=255)

    class Meta:
        verbose_name = _("work order status")
        verbose_name_plural = _("work order statuses")
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="each_work_status_once")]

    def __str__(self) -> str:
        return f"{self.code} - {self.name}"
