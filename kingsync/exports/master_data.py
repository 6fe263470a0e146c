"""King's master data for the articles, rates, warehouses and debtors that a work order names.

The mirror answers first. What it does not know or calls blocked is looked up in King itself, once a run, before
anything is refused: a stale mirror never blocks. Where King cannot be asked nothing is known, and King's answer to the
write decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from integrations import errors, notation
from integrations.king import limits, payloads
from integrations.king.client import Client
from integrations.king.records import Kind, LineKind
from integrations.outsmart.records import WorkOrder
from kingsync.king_mirror import mirror
from kingsync.models.links import KingRecord
from kingsync.rules.mapping import Exports
from kingsync.rules.orders import debtor_of
from kingsync.rules.plans import ArticleData, Plan, RelevantMasterData
from kingsync.runs.run_log import RunLog

# Reason of a rule → the kind of King record it is about, and the value that names it.
_ABOUT = {
    "unknown_article": (Kind.ARTICLE, "article"),
    "blocked_article": (Kind.ARTICLE, "article"),
    "too_many_decimals": (Kind.ARTICLE, "number"),
    "unknown_rate": (Kind.RATE, "rate"),
    "blocked_rate": (Kind.RATE, "rate"),
    "time_does_not_fit": (Kind.RATE, "rate"),
    "unknown_warehouse": (Kind.WAREHOUSE, "warehouse"),
    "unknown_debtor": (Kind.DEBTOR, "debtor"),
    "blocked_debtor": (Kind.DEBTOR, "debtor"),
}
_KINDS = {LineKind.ARTICLE: Kind.ARTICLE, LineKind.RATE: Kind.RATE}
# Records of one kind that a run keeps in memory; beyond that it reads the mirror again.
KEPT_AT_MOST = 20_000


class MirroredMasterData:
    """What is known without asking King: its mirror, and earlier answers."""

    def __init__(self) -> None:
        self._asked: dict[tuple[Kind, str], ArticleData | None] = {}
        self._unreadable: set[tuple[Kind, str]] = set()
        self._mirrored: dict[Kind, dict[str, ArticleData | None]] = {}
        self._filled: set[str] | None = None
        self._known_warehouses: frozenset[str] | None = None

    def prefetch_rows(self, sources: Iterable[WorkOrder], choices: Exports) -> None:
        """Prefetch what many work orders name, so that none of them costs a query."""
        named = [_named(source, choices) for source in sources]
        for kind in (Kind.ARTICLE, Kind.RATE, Kind.DEBTOR):
            self._find(kind, {code for each in named for code in each[kind]})

    def of(self, source: WorkOrder, choices: Exports) -> RelevantMasterData:
        """Return what is known of everything that this work order names."""
        named = _named(source, choices)
        return RelevantMasterData(
            articles=self._known(Kind.ARTICLE, named[Kind.ARTICLE]),
            rates=self._known(Kind.RATE, named[Kind.RATE]),
            debtors=self._known(Kind.DEBTOR, named[Kind.DEBTOR]),
            warehouses=self._warehouses(),
        )

    def debtor(self, number: str) -> ArticleData:
        """Return what is known of a debtor, at least its number."""
        return self._known(Kind.DEBTOR, {number}).get(number) or ArticleData(number=number)

    def _known(self, kind: Kind, codes: set[str]) -> dict[str, ArticleData | None]:
        mirrored = self._find(kind, codes)
        is_filled = self._is_filled(kind)
        # If King was never read completely, a record missing from the mirror may still exist.
        found = {code: master_data for code, master_data in mirrored.items() if master_data is not None or is_filled}
        numbers = {code: master_data.number if master_data else code for code, master_data in mirrored.items()}
        asked = {code: self._asked[kind, number] for code, number in numbers.items() if (kind, number) in self._asked}
        return {
            code: master_data for code, master_data in (found | asked).items() if (kind, code) not in self._unreadable
        }

    def _find(self, kind: Kind, codes: set[str]) -> dict[str, ArticleData | None]:
        """Return the mirror's answer for each code, None if it has none; each is read once a run."""
        kept = self._mirrored.setdefault(kind, {})
        if len(kept) > KEPT_AT_MOST:
            kept.clear()
        new = codes - kept.keys()
        if new:
            kept |= dict.fromkeys(new) | dict(mirror.find(kind, new))
        return {code: kept[code] for code in codes}

    def _warehouses(self) -> frozenset[str] | None:
        if not self._is_filled(Kind.WAREHOUSE):
            return None
        if self._known_warehouses is None:
            known = set(KingRecord.objects.filter(kind=Kind.WAREHOUSE).values_list("number", flat=True))
            asked = {
                number: master_data for (kind, number), master_data in self._asked.items() if kind is Kind.WAREHOUSE
            }
            known |= {number for kind, number in self._unreadable if kind is Kind.WAREHOUSE}
            known |= {number for number, master_data in asked.items() if master_data}
            self._known_warehouses = frozenset(
                known - {number for number, master_data in asked.items() if master_data is None}
            )
        return self._known_warehouses

    def _is_filled(self, kind: Kind) -> bool:
        if self._filled is None:
            self._filled = mirror.filled()
        return kind.value in self._filled


class MasterDataReader(MirroredMasterData):
    """Lookups for one run; `is_readable` is False if this King offers no reading."""

    def __init__(self, king: Client, log: RunLog, *, is_dry: bool = False) -> None:
        super().__init__()
        self._king, self._log, self._is_dry = king, log, is_dry
        self.is_readable = True

    def fill_empty_mirror(self) -> None:
        """Read King's master data once if it was never read, so that rules know decimals and EAN codes.

        A dry run writes nothing but its run and log, so it asks King record by record instead.
        """
        if self._is_dry:
            return
        for kind in (Kind.WAREHOUSE, Kind.RATE, Kind.DEBTOR, Kind.ARTICLE):
            if self.is_readable and not self._is_filled(kind):
                self._fill(kind)
                self._filled = None

    def _fill(self, kind: Kind) -> None:
        try:
            mirror.refresh(self._king, kind)
        except (errors.AuthenticationError, errors.UnreachableError):
            raise
        except errors.IntegrationError as error:
            self.is_readable = False
            self._log.failure("mirror.not_read", error, kind=kind.value)

    def _known(self, kind: Kind, codes: set[str]) -> dict[str, ArticleData | None]:
        if self._is_dry and not self._is_filled(kind):
            self._ask_all(kind, codes)
        return super()._known(kind, codes)

    def _ask_all(self, kind: Kind, codes: Iterable[str]) -> None:
        for code in codes:
            if (kind, code) not in self._asked:
                self._ask(kind, code)

    def verify(self, plan: Plan, *, also: Collection[tuple[LineKind, str]] = (), is_every: bool = False) -> bool:
        """Ask King about everything that the plan would refuse; return True when something new was asked.

        `also`: about these articles and rates too; `is_every`: about all that it would send, because King's refusal
        would come too late.
        """
        doubted = _unconfirmed(plan) | {(_KINDS[kind], number) for kind, number in also}
        doubted |= _named_in(plan) if is_every else set()
        known = self._asked.keys() | self._unreadable
        new = [pair for pair in sorted(doubted) if pair not in known and len(pair[1]) <= limits.RECORD_NUMBER_LENGTH]
        answers = [self._ask(kind, number) for kind, number in new]
        return any(answers)

    def checked_debtor(self, number: str, *, is_fresh: bool) -> ArticleData:
        """Return the debtor of an order, asking King when the mirror calls it blocked or does not know it."""
        known = self.debtor(number)
        is_sure = (Kind.DEBTOR, number) in self._asked or (known.name and not known.is_blocked and not is_fresh)
        if number and not is_sure and self._ask(Kind.DEBTOR, number):
            known = self.debtor(number)
        return known

    def _ask(self, kind: Kind, number: str) -> bool:
        """Look one record up in King; False where nothing can be looked up. Raises what the next run may repair."""
        if not self.is_readable:
            return False
        try:
            raw = self._king.find_record(kind, number)
            answer = None if raw is None else master_data_of(kind, raw)
        except errors.IntegrationError as error:
            if _may_pass(error):
                raise
            self._unreadable.add((kind, number))  # King may have it, and its answer to the write decides
            self._log.failure("facts.not_asked", error, kind=kind.value)
            return True
        self._asked[kind, number] = answer
        self._mirrored.pop(kind, None)  # an article may now be known by another code too
        self._known_warehouses = None
        if raw is not None and not self._is_dry:
            mirror.store(kind, [raw])
        return True


def _may_pass(error: errors.IntegrationError) -> bool:
    """Return whether a later run may get an answer: not where a look-up led nowhere, or King does not offer it."""
    is_transient = isinstance(error, errors.TransientError) and error.reason != "unexpected"
    return is_transient or isinstance(error, errors.TenantActionError)


def _unconfirmed(plan: Plan) -> set[tuple[Kind, str]]:
    """Return the King records for which the plan refuses something."""
    return {
        (_ABOUT[why.code][0], why.params[_ABOUT[why.code][1]])
        for why in (*plan.rejects, *(line.reason for line in plan.refused))
        if why.code in _ABOUT
    }


def _named_in(plan: Plan) -> set[tuple[Kind, str]]:
    """Return the King records that the lines of the plan name."""
    contents = [line.content for line in plan.lines]
    named = {(_KINDS[content.kind], content.article) for content in contents if content.kind in _KINDS}
    return named | {(Kind.WAREHOUSE, content.warehouse) for content in contents if content.warehouse}


def _named(source: WorkOrder, choices: Exports) -> dict[Kind, set[str]]:
    """Return what a work order names of each kind, by its own codes."""
    articles = {material.code.strip() or choices.free_line_article.strip() for material in source.materials}
    if any(period.travel.strip() for period in source.periods):
        articles.add(choices.travel_article.strip())
    rates = {period.hour_type.strip() for period in source.periods}
    return {
        Kind.ARTICLE: articles - {""},
        Kind.RATE: rates - {""},
        Kind.DEBTOR: {debtor_of(source, choices)} - {""},
    }


def master_data_of(kind: Kind, raw: bytes) -> ArticleData:
    """Return the master data in King's bytes; raises `PayloadError`."""
    if kind is Kind.ARTICLE:
        article = payloads.article(raw)
        price, is_blocked = article.sales_price, article.is_blocked
        return ArticleData(number=article.number, decimals=article.decimals, is_blocked=is_blocked, price=price)
    if kind is Kind.RATE:
        rate = payloads.rate(raw)
        return ArticleData(number=rate.number, decimals=rate.decimals, is_blocked=rate.is_blocked, price=rate.price)
    if kind is Kind.DEBTOR:
        debtor = payloads.debtor(raw)
        return ArticleData(number=debtor.number, name=debtor.name, is_blocked=debtor.is_blocked)
    return ArticleData(number=notation.canonical_number(payloads.warehouse(raw).number))
