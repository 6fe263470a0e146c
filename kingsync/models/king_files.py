"""King's XML export files: what came in, and what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from kingsync.models.runs import SyncRun
from kingsync.models.tenants import TenantOwned


class KingFile(TenantOwned):
    """One of King's XML files: uploaded, given on the command line or found in the tenant's folder."""

    class State(models.TextChoices):
        NEW = "new", _("waiting for an import")
        READ = "read", _("imported")
        FAILED = "failed", _("could not be read")

    name = models.CharField(_("name"), max_length=255)
    # Its path: absolute for a file given on the command line, else below KING_XML_FOLDER.
    path = models.CharField(max_length=1000)
    size = models.PositiveBigIntegerField(_("size (bytes)"))
    # SHA-256 of the content: a file that was read is not read again.
    digest = models.CharField(max_length=64)
    # The root element, such as KING_DEBITEUREN.
    document = models.CharField(_("document"), max_length=50, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.NEW)
    # A reason of kingsync.messages.reason_texts, or {}.
    reason = models.JSONField(_("reason"), default=dict)
    record_count = models.PositiveIntegerField(_("records"), default=0)
    came_at = models.DateTimeField(_("received at"), auto_now_add=True)
    read_at = models.DateTimeField(_("read at"), null=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("uploaded by")
    )
    run = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="+", verbose_name=_("run"))

    class Meta:
        verbose_name = _("King file")
        verbose_name_plural = _("King files")
        indexes = [
            # The files that wait, oldest first, and whether a content was read before.
            models.Index(fields=["tenant", "state", "id"], name="king_files_by_state"),
            models.Index(fields=["tenant", "digest"], name="king_files_by_content"),
        ]

    def __str__(self) -> str:
        return self.name
