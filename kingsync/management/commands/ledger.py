"""Show every work order ever seen at a trigger, or carry out manual actions on some of them."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from kingsync.answers import ledger as answers
from kingsync.exports.overview import causes
from kingsync.management.lookup import tenant_of
from kingsync.manual_actions import actions, conflicts, order_actions
from kingsync.manual_actions.guards import OtherCustomerError, UnknownWorkOrderError
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models import tenants
from kingsync.models.work_orders import ManualAction, WorkOrder
from kingsync.rules.conflicts import Choice
from kingsync.rules.outcomes import Reason, reason
from kingsync.runs import refusals
from kingsync.runs.run_answers import moment

ALL_DONE, SOME_REFUSED, NOTHING_DONE = 0, 1, 2


class Command(BaseCommand):
    help = "Show every work order that was ever seen at a trigger, with its state, or decide about some of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="one JSON value on standard output")
        _add_actions(parser)
        parser.add_argument("--reason", default="", metavar="TEXT", help="why: needed to exclude, kept with --reset")
        help_text = "show the work orders of this King administration; default: the present one"
        parser.add_argument("--administration", metavar="A", help=help_text)
        parser.add_argument("--by", metavar="NAME", help="who decides; default: the user of this computer")
        parser.add_argument(
            "--even-so", action="store_true", help="with --reset: the order that is not open any more was removed"
        )
        help_text = "with --solve: whose value applies to every line that was changed on both sides"
        parser.add_argument("--with", choices=[each.value for each in Choice], default="", help=help_text)
        help_text = "with --link: the order is of another customer, and that is right"
        parser.add_argument("--yes-other-customer", action="store_true", help=help_text)

    def handle(self, *args: object, **options: Any) -> None:
        tenant = tenant_of(options["slug"])
        options["by"] = _who_is_logged_in() if options["by"] is None else options["by"]
        with tenants.scope(tenant), translation.override(tenant.language):
            code = self._do(options)
        if code != ALL_DONE:
            sys.exit(code)

    def _do(self, options: dict[str, Any]) -> int:
        try:
            with _with_labels():
                return self._act(options)
        except _RefusedError as refused:
            if options["json"]:
                self._print_json({"done": [], "refused": [], "error": refused.message})
            self.stderr.write(refused.message)
            return NOTHING_DONE

    def _act(self, options: dict[str, Any]) -> int:
        for name, decide in _DECISIONS.items():
            if options[name] is not None:
                return self._print_result(decide(options), options["json"])
        if options["decisions"] is not None:
            self._tell(_history(options["decisions"]), options["json"], _history_line)
        elif options["causes"]:
            self._tell(map(answers.cause, causes.causes()), options["json"], _cause_line)
        else:
            self._tell(_entries(options["administration"]), options["json"], _entry_line)
        return ALL_DONE

    def _tell(self, entries: Iterator[dict[str, Any]], as_json: bool, line_of: Callable[[dict[str, Any]], str]) -> None:
        shown = list(entries)
        if as_json:
            self._print_json(shown)
            return
        for entry in shown:
            self.stdout.write(line_of(entry))

    def _print_result(self, decided: actions.Decided, as_json: bool) -> int:
        refused = [
            {"outsmart_id": each.work_order.outsmart_id if each.work_order else "", "reason": _as_text(each.why)}
            for each in decided.refused
        ]
        done = [row.outsmart_id for row in decided.done]
        if as_json:
            self._print_json({"done": done, "refused": refused, "error": None})
        else:
            for row in decided.done:
                self.stdout.write(f"{row.order_number or row.outsmart_id:<20} {row.state}")
            for entry in refused:
                self.stderr.write(f"{entry['outsmart_id']:<20} {entry['reason']}")
        if not refused:
            return ALL_DONE
        return SOME_REFUSED if done else NOTHING_DONE

    def _print_json(self, value: object) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False))


def _add_actions(parser: ArgumentParser) -> None:
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--causes", action="store_true", help="what stops work orders, one entry per cause")
    one.add_argument("--decisions", metavar="ID", help="what people decided about a work order, newest first")
    one.add_argument("--retry", nargs="+", metavar="ID", help="try these again at the next run")
    one.add_argument("--retry-cause", metavar="KEY", help="try everything again that this cause stops")
    one.add_argument(
        "--release", nargs="+", metavar="ID", help="send these although they are old, empty or of another customer"
    )
    help_text = "link a work order to a King order"
    one.add_argument("--link", nargs=2, metavar=("ID", "KING_NUMBER"), help=help_text)
    one.add_argument("--reset", metavar="ID", help="reset the link to King: the next export starts over")
    one.add_argument("--supplement", nargs="+", metavar="ID", help="create a supplementary order of what differs")
    one.add_argument("--settle", metavar="ID", help="settled by hand; needs --reason")
    one.add_argument("--new-order", metavar="ID", help="a new order although OutSmart names one that is not open")
    one.add_argument("--solve", metavar="ID", help="solve what was changed on both sides; needs --with")
    one.add_argument("--exclude", nargs="+", metavar="ID", help="never send these; needs --reason")
    one.add_argument("--restore", nargs="+", metavar="ID", help="send these after all")


def _who_is_logged_in() -> str:
    """Return the user's name on this computer, "" if there is none (a container's bare uid): then --by is required."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


# --- Manual actions ---------------------------------------------------------------------------------------------------


class _RefusedError(Exception):
    def __init__(self, why: Reason, *, with_option: str = "") -> None:
        super().__init__(why.code)
        self.message = f"{_as_text(why)} ({with_option})" if with_option else _as_text(why)


@contextmanager
def _with_labels() -> Iterator[None]:
    """Turn the refusal of a whole action into a sentence."""
    try:
        yield
    except OtherCustomerError as error:
        raise _RefusedError(error.why, with_option="--yes-other-customer") from None
    except refusals.REFUSALS as error:
        raise _RefusedError(refusals.why(error)) from None


def _as_text(why: Reason) -> str:
    return sentence(stored(why))


_UNKNOWN = reason("decision.unknown_work_order")


def _row(outsmart_id: str) -> WorkOrder:
    found = WorkOrder.objects.defer("source").filter(outsmart_id=outsmart_id).first()
    if found is None:
        raise UnknownWorkOrderError(_UNKNOWN)
    return found


def _each(outsmart_ids: list[str], decide: Callable[..., actions.Decided], **how: str) -> actions.Decided:
    """Apply an action to the work orders that exist; the others are reported as refused."""
    rows = list(WorkOrder.objects.defer("source").filter(outsmart_id__in=outsmart_ids).order_by("id"))
    decided = decide(work_orders=rows, **how)
    known = {row.outsmart_id for row in rows}
    strangers = [WorkOrder(outsmart_id=each) for each in dict.fromkeys(outsmart_ids) if each not in known]
    return actions.Decided(decided.done, decided.refused + [actions.Refused(0, row, _UNKNOWN) for row in strangers])


def _link_to_order(options: dict[str, Any]) -> actions.Decided:
    outsmart_id, number = options["link"]
    made = order_actions.link_to_order(
        work_order=_row(outsmart_id),
        king_order_number=number,
        by=options["by"],
        accepts_other_customer=options["yes_other_customer"],
    )
    return actions.Decided(done=[made.work_order])


def _reset_link(options: dict[str, Any]) -> actions.Decided:
    row, why = _row(options["reset"]), options["reason"]
    made = order_actions.reset_link(work_order=row, by=options["by"], reason=why, even_so=options["even_so"])
    return actions.Decided(done=[made.work_order])


def _new_order(options: dict[str, Any]) -> actions.Decided:
    made = order_actions.new_order(work_order=_row(options["new_order"]), by=options["by"])
    return actions.Decided(done=[made.work_order])


def _solve(options: dict[str, Any]) -> actions.Decided:
    made = conflicts.solve_all(work_order=_row(options["solve"]), choice=options["with"], by=options["by"])
    return actions.Decided(done=[made.work_order])


_DECISIONS: dict[str, Callable[[dict[str, Any]], actions.Decided]] = {
    "retry": lambda given: _each(given["retry"], actions.retry, by=given["by"]),
    "retry_cause": lambda given: actions.retry_cause(key=given["retry_cause"], by=given["by"]),
    "release": lambda given: _each(given["release"], actions.release, by=given["by"]),
    "link": _link_to_order,
    "reset": _reset_link,
    "supplement": lambda given: _each(given["supplement"], actions.supplement, by=given["by"]),
    "settle": lambda given: _each([given["settle"]], actions.settle, by=given["by"], reason=given["reason"]),
    "new_order": _new_order,
    "solve": _solve,
    "exclude": lambda given: _each(given["exclude"], actions.exclude, by=given["by"], reason=given["reason"]),
    "restore": lambda given: _each(given["restore"], actions.restore, by=given["by"]),
}


# --- Output -----------------------------------------------------------------------------------------------------------


def _entries(administration: str | None) -> Iterator[dict[str, Any]]:
    try:
        return answers.whole(answers.administration(administration))
    except answers.UnknownAdministrationError as error:
        raise _RefusedError(error.why) from None


def _entry_line(entry: dict[str, Any]) -> str:
    number = entry["king_order_number"] or "-"
    return f"{entry['order_number']:<20} {entry['state']:<12} {number:<12} {entry['reason']}"


def _cause_line(entry: dict[str, Any]) -> str:
    return f"{entry['count']:>6}  {entry['key']:<40} {entry['reason']}"


def _history(outsmart_id: str) -> Iterator[dict[str, Any]]:
    for each in ManualAction.objects.filter(work_order=_row(outsmart_id)).order_by("-id"):
        yield {
            "at": moment(each.decided_at),
            "decision": each.kind,
            "by": each.decided_by_name,
            "reason": each.reason,
            "king_order_number": each.king_order_number or None,
            "state_before": each.state_before,
        }


def _history_line(entry: dict[str, Any]) -> str:
    number = entry["king_order_number"] or "-"
    return f"{entry['at']}  {entry['decision']:<8} {entry['by']:<20} {number:<12} {entry['reason']}".rstrip()
