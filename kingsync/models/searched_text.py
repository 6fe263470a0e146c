"""Texts as the search compares them: without case and accents, so that "cafe" finds "Café".

By immutable functions of PostgreSQL's own, which an index may use; its extension `unaccent` has none.
"""

from __future__ import annotations

from django.db.models import Case, Expression, Func, IntegerField, Value, When
from django.db.models.functions import Length, Upper
from django.db.models.lookups import Exact

# Without counterpart below, so they are removed: accents, apart from their letters after normalization.
_ACCENTS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0326\u0327\u0328"
_LETTERS, _PLAIN = "ØŁĐ\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}", "OLD''"
_FROM, _TO = _LETTERS + _ACCENTS, _PLAIN

# The same for a text that is a parameter of a statement; it takes `parameters`.
FOLDED_PARAMETER = "translate(normalize(upper(%s), NFD), %s, %s)"


def folded(text: Expression | str) -> Case:
    """Return the text in capitals without accents, as an expression.

    Most texts are ASCII: taking accents off them would change nothing, and take twenty times as long.
    """
    decomposed = Func(Upper(text), template="normalize(%(expressions)s, NFD)")
    plain = Func(decomposed, Value(_FROM), Value(_TO), function="translate")
    byte_count = Func(text, function="octet_length", output_field=IntegerField())
    return Case(When(Exact(byte_count, Length(text)), then=Upper(text)), default=plain)


def parameters(text: str) -> list[str]:
    """Return the parameters of `FOLDED_PARAMETER`."""
    return [text, _FROM, _TO]
