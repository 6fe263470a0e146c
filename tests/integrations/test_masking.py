"""Secrets in whatever notation and place a system returns them: none is stored."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import masking
from integrations.masking import MASK, Masker

SHOWN = 2_000
SHORT = 100
READ = SHORT + masking._MARGIN
SECRETS = {
    "slash": "K1ng/Acc3ss/C0de",
    "accent": "wachtwoord-é-ü-ß",
    "quotes": 'to"ken\'with"quotes',
    "ampersand": "R&D<2024>token&more",
    "backslash": "dom\\king\\secret",
    "percent": "100%25zeker&waar",
    "space": "een zin als token",
    "emoji": "tok🔑en-met-teken",
    "escape": "half\\u0041half%2Ftok",
    "long": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." * 4 + "q7/+w==",
    "plus": "a+b/c=d+e/f==",
    "mixed": "GeHeim-TOKEN-2024",
}


def _everything_escaped(secret: str) -> str:
    units = secret.encode("utf-16-be")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2], 'big'):04x}" for at in range(0, len(units), 2))


ECHOES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON with its letters": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON of PHP": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret).replace("/", "\\/"))[1:-1],
    "JSON of ASP.NET": lambda secret: (
        json.dumps(secret)[1:-1].replace("&", "\\u0026").replace("'", "\\u0027").replace("<", "\\u003C")
    ),
    "every sign escaped": _everything_escaped,
    "every sign escaped in capitals": lambda secret: _everything_escaped(secret).upper().replace("\\U", "\\u"),
    "address": lambda secret: quote(secret, safe=""),
    "address in small letters": lambda secret: _small(quote(secret, safe="")),
    "form": quote_plus,
    "address twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "every byte of an address": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    "address of Windows": lambda secret: "".join(
        sign if sign.isascii() and sign.isalnum() else f"%{sign.encode('cp1252', 'replace')[0]:02X}" for sign in secret
    ),
    "address of old IIS": lambda secret: _everything_escaped(secret).replace("\\u", "%u"),
    "HTML": html.escape,
    "HTML by numbers": lambda secret: "".join(f"&#{ord(sign)};" for sign in secret),
    "HTML by numbers in sixteens": lambda secret: "".join(f"&#x{ord(sign):X};" for sign in secret),
    "HTML by names": lambda secret: secret.replace("&", "&amp;").replace("é", "&eacute;").replace("ü", "&uuml;"),
    "HTML twice": lambda secret: html.escape(html.escape(secret)),
    "HTML in JSON": lambda secret: json.dumps(html.escape(secret))[1:-1].replace("&", "\\u0026"),
    "address in HTML": lambda secret: html.escape("?a=1&t=" + quote(secret, safe="")),
    "address in JSON": lambda secret: json.dumps("/x?t=" + quote(secret, safe="/")).replace("/", "\\/"),
    "capitals": str.upper,
    "small letters": str.lower,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 behind a name": lambda secret: base64.b64encode(f"me:{secret}".encode()).decode(),
    "base64 for addresses": lambda secret: base64.urlsafe_b64encode(f"x{secret}y".encode()).decode(),
    "sixteens": lambda secret: secret.encode().hex(),
    "read as Windows": lambda secret: secret.encode().decode("cp1252", "replace"),
    "over two lines": lambda secret: secret[:9] + "\r\n" + secret[9:],
    "cut by the other side": lambda secret: secret[: len(secret) * 3 // 4] + "…",
}


def _small(written: str) -> str:
    parts = written.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def masker(*secrets: str) -> Masker:
    made = Masker()
    made.hide(*secrets)
    return made


def leaks(secret: str, shown: str) -> bool:
    """Return whether a good part of the secret's own letters is still contiguous in the output."""
    letters = "".join(sign for sign in secret.lower() if sign.isascii() and sign.isalnum())
    kept = "".join(sign for sign in shown.lower() if sign.isascii() and sign.isalnum())
    return any(letters[at : at + 6] in kept for at in range(max(1, len(letters) - 5)))


def inside(echo: str) -> str:
    return f'{{"Status": 1, "FoutMelding": "Onbekend: {echo} bij deze aanroep"}}'


@pytest.mark.parametrize("notation", ECHOES)
def test_secret_is_not_kept_in_whatever_notation_it_comes_back(notation: str) -> None:
    for secret in SECRETS.values():
        knowing = masker(secret)
        text = inside(ECHOES[notation](secret))
        for shown in (knowing.masked(text), knowing.excerpt(text.encode("utf-8", "replace"), SHOWN)):
            assert MASK in shown
            assert not leaks(secret, shown), shown


@pytest.mark.parametrize("notation", [each for each in ECHOES if "base64" not in each and "sixteens" not in each])
def test_nothing_of_a_secret_is_kept_where_the_text_is_cut(notation: str) -> None:
    for secret in SECRETS.values():
        echo, knowing = ECHOES[notation](secret).encode("utf-8", "replace"), masker(secret)
        for kept in range(1, len(echo), 1 + len(echo) // 30):
            body = b" " * (READ - kept) + echo + b" " * 50
            assert knowing.excerpt(body, SHORT).strip(" ") in ("", MASK)
            shown = knowing.excerpt(b"-" * (SHORT - min(kept, SHORT - 1)) + echo, SHORT)
            assert not leaks(secret, shown), (kept, shown)


def test_what_is_no_secret_is_kept_as_it_came() -> None:
    text = inside("R&amp;D 100%25 \\u00e9 &#233; \\/ Kredietlimiet")

    assert masker(*SECRETS.values()).masked(text) == text


def test_text_around_a_secret_is_kept() -> None:
    assert masker("very-secret/token").masked("a very-secret\\/token b very-secret%2ftoken c") == "a *** b *** c"


def test_secrets_that_overlap_are_masked_both() -> None:
    assert masker("abcdef", "defghi").masked("<abcdefghi>") == "<***>"


def test_longer_secret_is_masked_as_a_whole_where_a_shorter_one_begins_it() -> None:
    assert masker("geheim", "geheim-en-meer").masked("<geheim-en-meer>") == "<***>"


@pytest.mark.parametrize("secret", ["7", "ab", "K7é"])
@pytest.mark.parametrize("notation", ["as it is", "JSON", "every sign escaped", "every byte of an address", "capitals"])
def test_secret_too_short_to_be_masked_lets_nothing_be_kept(secret: str, notation: str) -> None:
    echo = ECHOES[notation](secret)

    assert masker(secret).masked(inside(echo)) == MASK
    assert masker(secret).excerpt(inside(echo).encode(), SHOWN) == MASK
    assert masker(secret).excerpt(b"zonder", SHOWN) == MASK
    assert masker(secret).excerpt(b"", SHOWN) == ""


def test_words_without_a_short_secret_are_kept() -> None:
    assert masker("K7").masked("Kredietlimiet overschreden") == "Kredietlimiet overschreden"


def test_body_of_another_encoding_is_searched_too() -> None:
    secret = SECRETS["accent"]

    for charset in ("cp1252", "utf-16", "utf-8-sig"):
        shown = masker(secret).excerpt(inside(secret).encode(charset), SHOWN)
        assert MASK in shown
        assert not leaks(secret, shown)


def test_text_packed_in_ever_more_layers_is_not_kept() -> None:
    text = inside(SECRETS["slash"])
    for _ in range(12):
        text = quote(text, safe="")

    assert masker(SECRETS["slash"]).masked(text) == MASK


def test_nothing_hidden_means_nothing_masked() -> None:
    assert masker("").masked("%2F ***") == "%2F ***"


LAYERS: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    lambda text: quote(text, safe=""),
    lambda text: _small(quote(text, safe="")),
    html.escape,
)


@given(
    secret=st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=4, max_size=40),
    layers=st.lists(st.sampled_from(LAYERS), max_size=3),
    before=st.text(max_size=30),
)
def test_any_secret_under_any_layers_is_gone(secret: str, layers: list[Callable[[str], str]], before: str) -> None:
    echo = secret
    for layer in layers:
        echo = layer(echo)

    shown = masker(secret).masked(f"{before} {echo}")

    assert MASK in shown
    assert secret not in shown.replace(before, "")


@given(content=st.binary(max_size=3_000), longest=st.integers(0, 500))
def test_any_bytes_have_an_excerpt(content: bytes, longest: int) -> None:
    assert len(masker(*SECRETS.values()).excerpt(content, longest)) <= longest
