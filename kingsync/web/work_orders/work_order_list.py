"""The filtered list of work orders: states, a search, filters. Shared by the list, its files and its links."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync.exports.overview import causes, ledger_counts
from kingsync.manual_actions import care
from kingsync.models import administrations, tenants
from kingsync.models.order_links import OrderLink
from kingsync.models.tenants import Administration
from kingsync.models.work_orders import LedgerState, Text, WorkOrder
from kingsync.web.shared import sorting
from kingsync.web.shared.dates import midnight
from kingsync.web.shared.paging import NEWEST, Order

PERSON, OPEN, COMPLETE, UNDERWAY, EVERY = "person", "open", "complete", "underway", "all"
YES, NO = "yes", "no"
# Whom a work order is assigned to.
ME, NOBODY = "me", "nobody"
# What a heading sorts by at its first click.
SORTS = {
    "number": Order("order_number", is_descending=False),
    "customer": Order("customer_name", is_descending=False),
    "date": Order("work_date"),
    "king": Order("king_order_number"),
    "amount": Order("amount"),
}
SEARCH_LENGTH = 100
CAUSE_LENGTH = 500
# Trigrams are of little use for a shorter text: then only the beginnings of words are searched.
SHORTEST_PART = 3
# What King's orders of ours have as external number.
_OUR_REFERENCE = re.compile(r"OS-(?P<outsmart_id>[^\s-]+)(-\d+)?", re.IGNORECASE)


# Groups of states that counts on other pages lead to.
_GROUP_LABELS = {PERSON: _("Need attention"), UNDERWAY: _("Being sent"), OPEN: _("Open"), COMPLETE: _("In King")}
_GROUPS: dict[str, Sequence[str]] = {
    PERSON: WorkOrder.NEEDS_A_PERSON,
    UNDERWAY: ledger_counts.UNDER_WAY,
    OPEN: [state for state in LedgerState if state not in (*WorkOrder.COMPLETE, LedgerState.EXCLUDED)],
    COMPLETE: WorkOrder.COMPLETE,
}


class ListForm(forms.Form):
    """The search box and the filters. An invalid field shows an error and does not filter the list."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All")), *_GROUP_LABELS.items(), *LedgerState.choices],
    )
    q = forms.CharField(label=_("Search"), required=False, max_length=SEARCH_LENGTH)
    # What the counts of other pages lead to: not filled in by hand, but shown.
    cause = forms.CharField(required=False, max_length=CAUSE_LENGTH)
    exported = forms.DateField(required=False)
    exported_until = forms.DateField(required=False)
    since = forms.DateField(
        label=_("Date from"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("Date to"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    king = forms.ChoiceField(
        label=_("King order"),
        required=False,
        choices=[("", _("with or without")), (YES, _("with King order")), (NO, _("without King order"))],
    )
    mine = forms.ChoiceField(
        label=_("Assigned"),
        required=False,
        choices=[("", _("to anyone or no one")), (ME, _("to me")), (NOBODY, _("to no one"))],
    )
    changed = forms.ChoiceField(
        label=_("State changed"),
        required=False,
        choices=[
            ("", _("any time")),
            ("1", _("in the last 24 hours")),
            ("7", _("in the last 7 days")),
            ("30", _("in the last 30 days")),
        ],
    )

    administration = forms.ChoiceField(label=_("Administration"), required=False)
    # As the headings, which small screens do not show.
    sort = forms.ChoiceField(
        label=_("Sort order"),
        required=False,
        choices=[
            ("", _("as usual")),
            ("number", _("work order, ascending")),
            ("-number", _("work order, descending")),
            ("customer", _("customer, A to Z")),
            ("-customer", _("customer, Z to A")),
            ("date", _("date, latest first")),
            ("-date", _("date, earliest first")),
            ("king", _("King order, highest first")),
            ("-king", _("King order, lowest first")),
            ("amount", _("amount, highest first")),
            ("-amount", _("amount, lowest first")),
        ],
    )

    FILTERS = ("since", "until", "king", "mine", "changed", "administration", "sort")

    def __init__(self, data: QueryDict, *, former: Sequence[Administration], label_suffix: str = "") -> None:
        super().__init__(data, label_suffix=label_suffix)
        if not former:
            del self.fields["administration"]
            return
        names = [(str(each.pk), each.name or "–") for each in former]
        self.fields["administration"] = forms.ChoiceField(
            label=_("Administration"),
            required=False,
            choices=[("", _("present")), *names, (EVERY, _("all"))],
        )

    def filters(self) -> list[forms.BoundField]:
        """Return the fields below the search box."""
        return [self[name] for name in self.FILTERS if name in self.fields]

    def query(self) -> str:
        """Return the valid filters and the order as the query of an address, always in the same sequence."""
        given = {name: self[name].data for name in self.fields if self.cleaned_data.get(name)}
        return urlencode(given)

    def clean(self) -> dict[str, object]:
        """Refuse a period that ends before it begins."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is before the first date."))
        return self.cleaned_data


@dataclass(frozen=True)
class Wanted:
    """The valid filters of the list."""

    state: str = ""
    search: str = ""
    since: datetime.date | None = None
    until: datetime.date | None = None
    king: str = ""
    changed_days: int | None = None
    mine: str = ""
    # Whose those of `ME` are.
    user_id: int | None = None
    # The key of a former administration, `EVERY`, or "": the present one.
    administration: str = ""
    sort: str = ""
    # There are former ones: then a search looks in all of them.
    has_former: bool = False
    # The key of kingsync.exports.overview.causes that stops them; the first and last day on which they came into King.
    cause: str = ""
    exported: datetime.date | None = None
    exported_until: datetime.date | None = None

    @property
    def group_label(self) -> str:
        """The name of the group of states that is wanted, if it has no tab of its own."""
        return "" if self.state == PERSON else str(_GROUP_LABELS.get(self.state, ""))

    @property
    def has_filters(self) -> bool:
        """True when anything other than state and search narrows the list."""
        return bool(self.since or self.until or self._has_filters_beside_dates)

    @property
    def _has_filters_beside_dates(self) -> bool:
        of_form = (self.king, self.mine, self.changed_days, self.administration)
        return any((*of_form, self.cause, self.exported, self.exported_until))

    @property
    def states(self) -> Sequence[str]:
        """The states that are wanted; none for all of them."""
        return _GROUPS.get(self.state, [self.state]) if self.state else ()

    @property
    def is_by_state(self) -> bool:
        """True when nothing but states narrows the list."""
        return not (self.search or self.has_filters)

    @property
    def is_by_state_and_date(self) -> bool:
        """True when nothing but states and dates narrows the list."""
        return not (self.search or self._has_filters_beside_dates)

    @property
    def is_by_state_only(self) -> bool:
        """True when nothing but states narrows the list, and it stands in its own order."""
        return bool(self.state) and self.is_by_state and not self.sort

    @property
    def is_everything(self) -> bool:
        return not (self.state or self.search or self.has_filters)

    @property
    def order(self) -> Order:
        """The order of the list: by the chosen column, else that of a date range filter, else by age."""
        if chosen := sorting.order(self.sort, SORTS):
            return chosen
        if self.since or self.until:
            return Order("work_date")
        return Order("changed_at") if self.changed_days else NEWEST

    @property
    def headings(self) -> dict[str, sorting.Heading]:
        return sorting.headings(self.sort, SORTS)

    def rows(self, *, is_rare: bool = False) -> QuerySet[WorkOrder]:
        """Return the filtered rows, without columns that only the page of one work order shows.

        `is_rare`: the text is in few of the newest rows.
        """
        found = self.rows_of_any_text()
        return found.filter(pk__in=self.text().keys(is_rare=is_rare)) if self.search else found

    def rows_of_any_text(self) -> QuerySet[WorkOrder]:
        """Return the rows with everything but the text filtered."""
        found = self.searched_rows()
        return self._filtered(found.filter(state__in=self.states) if self.state else found)

    def searched_rows(self) -> QuerySet[WorkOrder]:
        """Return the rows of the administrations that are searched."""
        return self._in_administration().defer("source").select_related("administration")

    def rows_to_act_on(self) -> QuerySet[WorkOrder]:
        """Return the same without those of a former administration, which are only shown."""
        return self.rows().filter(administration_id=tenants.current_administration_id())

    @property
    def may_have_former(self) -> bool:
        """True when some of the rows may be of a former administration."""
        return bool(self.administration) or (self.has_former and bool(self.search))

    def _in_administration(self) -> QuerySet[WorkOrder]:
        if self.administration.isdecimal():
            return WorkOrder.across_administrations.filter(administration_id=int(self.administration))
        if self.administration == EVERY or (self.search and self.has_former):
            return WorkOrder.across_administrations.all()
        return WorkOrder.objects.all()

    def text(self) -> Text:
        """Return the text to search for, in a number or a name or as a King order of the past."""
        ours = _OUR_REFERENCE.fullmatch(self.search)
        text, linked = ours["outsmart_id"] if ours else self.search, _linked_to(self.search)
        if len(text) >= SHORTEST_PART:
            return Text(text, keys_of_past=linked)
        return Text(f" {text}", start=text, keys_of_past=linked)

    def _filtered(self, found: QuerySet[WorkOrder]) -> QuerySet[WorkOrder]:
        if self.cause:
            found = found.filter(pk__in=_stopped_by(self.cause))
        if self.exported:
            found = found.filter(exported_at__gte=midnight(self.exported))
        if self.exported_until:
            found = found.filter(exported_at__date__lte=self.exported_until)
        if self.since:
            found = found.filter(work_date__gte=self.since)
        if self.until:
            found = found.filter(work_date__lte=self.until)
        if self.mine == ME:
            found = found.filter(pk__in=care.taken(by_user=self.user_id))
        if self.mine == NOBODY:
            found = found.exclude(pk__in=care.taken())
        if self.king:
            found = found.filter(king_order_number__isnull=self.king == NO)
        if self.changed_days:
            found = found.filter(changed_at__gte=timezone.now() - datetime.timedelta(days=self.changed_days))
        return found


def _stopped_by(cause: str) -> list[int]:
    try:
        return causes.stopped_by(cause)
    except causes.UnknownCauseError:  # it was repaired meanwhile
        return []


def _linked_to(number: str) -> list[int]:
    """Return the keys of what is, or was, on a King order: with a subquery the database could not use both indexes."""
    if not number.isdigit():
        return []
    return list(OrderLink.across_administrations.filter(king_order_number=number).values_list("work_order", flat=True))


def wanted(asked: QueryDict, *, user_id: int) -> tuple[Wanted, ListForm]:
    """Return the filters of a URL as this user means them, and the form that shows them."""
    form = ListForm(asked, former=list(administrations.former()))
    form.is_valid()
    given = form.cleaned_data
    found = Wanted(
        state=given.get("state", ""),
        search=given.get("q", ""),
        since=given.get("since"),
        until=given.get("until"),
        king=given.get("king", ""),
        changed_days=int(given.get("changed") or 0) or None,
        mine=given.get("mine", ""),
        user_id=user_id if given.get("mine") == ME else None,
        administration=given.get("administration", ""),
        sort=given.get("sort", ""),
        has_former="administration" in form.fields,
        cause=given.get("cause", ""),
        exported=given.get("exported"),
        exported_until=given.get("exported_until"),
    )
    return found, form
