"""King's master data: debtors, articles, rates and warehouses, and the refusals that come from them."""

from __future__ import annotations

from msgspec import UNSET

from sandboxes.king.company import Company
from sandboxes.king.fields import RefusalError
from sandboxes.king.records import Article, Debtor, Rate, Warehouse
from sandboxes.king.shelf import Shelf


class Masters:
    """Looks up records as King does when an order refers to them."""

    def __init__(self, company: Company) -> None:
        self.debtors = Shelf[Debtor](company.debtors)
        self.articles = Shelf[Article](company.articles)
        self.rates = Shelf[Rate](company.rates)
        self.warehouses = Shelf[Warehouse](company.warehouses)

    def debtor(self, number: int) -> Debtor:
        """Return a debtor. Raises RefusalError when there is none."""
        debtor = self.debtors.get(number)
        if debtor is None:
            raise RefusalError("ONBEKEND_DEBITEUR", f"Debiteur {number} bestaat niet.")
        return debtor

    def orderable_debtor(self, number: int) -> Debtor:
        """Return a debtor that may order. Raises RefusalError."""
        debtor = self.debtor(number)
        if debtor.is_blocked:
            raise RefusalError("GEBLOKKEERD_DEBITEUR", f"Debiteur {number} is geblokkeerd voor orderinvoer.")
        return debtor

    def payer_of(self, number: int) -> int:
        """Return who receives the invoices of a debtor."""
        payer = self.debtor(number).invoice_number
        return number if payer is UNSET else payer

    def article(self, number: str) -> Article:
        """Return an article. Raises RefusalError when there is none."""
        article = self.articles.get(number)
        if article is None:
            raise RefusalError("ONBEKEND_ARTIKEL", f"Artikel {number} bestaat niet.")
        return article

    def rate(self, number: str) -> Rate:
        """Return a rate. Raises RefusalError when there is none."""
        rate = self.rates.get(number)
        if rate is None:
            raise RefusalError("ONBEKEND_TARIEF", f"Tarief {number} bestaat niet.")
        return rate

    def warehouse(self, number: int) -> Warehouse:
        """Return a warehouse. Raises RefusalError when there is none."""
        warehouse = self.warehouses.get(number)
        if warehouse is None:
            raise RefusalError("ONBEKEND_MAGAZIJN", f"Magazijn {number} bestaat niet.")
        return warehouse

    def default_warehouse(self) -> int:
        """Return the warehouse of an order that names none; 1 when King has no default."""
        return next((one.number for one in self.warehouses.all() if one.is_default), 1)

    @staticmethod
    def refuse_blocked(record: Article | Rate) -> None:
        """Raise RefusalError when an article or rate is blocked for sale."""
        if record.is_blocked:
            kind = "ARTIKEL" if isinstance(record, Article) else "TARIEF"
            raise RefusalError(
                f"GEBLOKKEERD_{kind}", f"{kind.capitalize()} {record.number} is geblokkeerd voor verkoop."
            )
