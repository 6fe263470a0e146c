"""Background calls that pages make to the two systems, followed through their row."""

from __future__ import annotations

import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.messages.reason_texts import StoredReason
from kingsync.models.tenants import TenantOwned
from kingsync.models.work_orders import WorkOrder


class BackgroundCall(TenantOwned):
    """One question to OutSmart or King, or one manual action that needs King's answer.

    Holds no secret: what was typed and not saved stays in the memory of the process that makes the call. So no other
    process can take it over, and after `expires_at` it counts as abandoned. `parameters` is the question, `result` the
    answer: {"problem": reason or None, ...}, depending on the kind.
    """

    class Kind(models.TextChoices):
        TEST = "test", _("connection test")
        CHOICES = "choices", _("refresh of the pick lists")
        FIND_ORDER = "find_order", _("search for a King order")
        LINK = "link", _("link to a King order")
        RESET = "reset", _("reset link to King")
        NEW_ORDER = "new_order", _("new order after all")
        FETCH = "fetch", _("search for a work order in OutSmart")
        SWITCH = "switch", _("switch to another administration")

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("in progress")
        ENDED = "ended", _("finished")

    OPEN: ClassVar = [State.QUEUED, State.RUNNING]

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    # A keyed hash of the question while it is open: a second press starts no second call.
    key = models.CharField(max_length=64, blank=True)
    work_order = models.ForeignKey(WorkOrder, models.CASCADE, null=True, related_name="+", verbose_name=_("work order"))
    parameters = models.JSONField(_("request"), default=dict)
    result = models.JSONField(_("result"), default=dict)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested at"))
    expires_at = models.DateTimeField(_("finishes before"))

    class Meta:
        verbose_name = _("background call")
        verbose_name_plural = _("background calls")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "requested_by", "key"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_open_call_per_question",
            )
        ]
        indexes = [
            # How many calls a tenant made lately, and which are old enough to purge.
            models.Index(fields=["tenant", "requested_at"], name="background_calls_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_state_display()})"

    def is_open(self, *, now: datetime.datetime) -> bool:
        """Return whether an answer may still come."""
        return self.state in self.OPEN and self.expires_at > now

    @property
    def problem(self) -> StoredReason | None:
        """Return the reason why there is no answer, None if there is one. For calls that are no longer open."""
        if self.state != self.State.ENDED:
            return {"code": "call.interrupted", "params": {}}
        found: StoredReason | None = self.result.get("problem")
        return found
