"""Every form of every page with anything in its fields: never an error of ours, and what is stored stays valid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from random import Random
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters

from kingsync import tenant_file
from kingsync.models.tenants import Tenant
from tests.fuzz.mutations import text
from tests.fuzz.scene import undone

_CONVERTERS = {name: type(each) for name, each in get_converters().items()}
Form = tuple[str, dict[str, list[str]]]  # where it goes, and its fields with their values


def failures(browsers: dict[str, Client], known: dict[str, list[str]], chance: Random, count: int) -> Iterator[str]:
    """Send that many forms of the pages that each of these people sees; every one is undone.

    `known` are values for the parts of addresses, by their names.
    """
    addresses = pages(known)
    forms = {name: _forms(browser, addresses) for name, browser in browsers.items()}
    for _ in range(count):
        name = chance.choice(list(forms))
        address, fields = _drawn(chance, forms[name], addresses)
        given = _filled(chance, fields)
        with undone():
            yield from (f"{each}: {name} {address} {given!r}"[:900] for each in _sent(browsers[name], address, given))


def pages(known: dict[str, list[str]]) -> list[str]:
    """Return addresses of all our pages, one for each value of each part."""
    return sorted(set(_addresses(get_resolver().url_patterns, "/", known)))


def _addresses(patterns: list[URLPattern | URLResolver], before: str, known: dict[str, list[str]]) -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLResolver):
            if each.app_name != "admin":
                yield from _addresses(each.url_patterns, before + str(each.pattern), known)
            continue
        routes = [before + str(each.pattern)]
        for name, converter in each.pattern.converters.items():
            kind = next(key for key, value in _CONVERTERS.items() if type(converter) is value)
            routes = [
                route.replace(f"<{kind}:{name}>", value).replace(f"<{name}>", value)
                for route in routes
                for value in known.get(name, ["1"])
            ]
        yield from routes


class _Forms(HTMLParser):
    """Collects the forms of a page that are posted."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        self.found: list[Form] = []
        self._is_open = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_open = given.get("method", "").lower() == "post" or "hx-post" in given
            if self._is_open:
                self.found.append((given.get("hx-post") or given.get("action") or self._address, {}))
            return
        if given.get("hx-post"):
            self.found.append((given["hx-post"], {}))
        if self._is_open and tag in ("input", "select", "textarea", "button") and given.get("name"):
            self.found[-1][1].setdefault(given["name"], []).append(given.get("value", ""))
        if tag == "select":
            self._select = given.get("name", "")
        if tag == "option" and self._is_open and self._select:
            self.found[-1][1].setdefault(self._select, []).append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False


def _forms(browser: Client, addresses: list[str]) -> list[Form]:
    found: dict[str, Form] = {}
    for address in addresses:
        answer = browser.get(address)
        if answer.status_code == 200 and "html" in answer.headers.get("Content-Type", ""):
            parser = _Forms(address)
            parser.feed(answer.content.decode())
            found |= {f"{form[0]} {sorted(form[1])}": form for form in parser.found}
    return list(found.values())


def _drawn(chance: Random, forms: list[Form], addresses: list[str]) -> Form:
    """Return a form of a page; sometimes any address, with fields of another."""
    address, fields = chance.choice(forms)
    return (chance.choice(addresses) if chance.random() < 0.15 else address), fields


def _filled(chance: Random, fields: dict[str, list[str]]) -> dict[str, Any]:
    """Return the form as someone sends it: some fields as they are, others with anything, a few absent or unknown."""
    given: dict[str, Any] = {}
    share = chance.random()
    for name, values in fields.items():
        if chance.random() < 0.05:
            continue
        if chance.random() < share:
            given[name] = chance.choice(values) if values else ""
        else:
            given[name] = _anything(chance)
    if chance.random() < 0.1:
        given[_sendable(text(chance)[:40]) or "x"] = _anything(chance)
    return given


def _anything(chance: Random) -> Any:
    how = chance.randrange(12)
    if how == 0:
        return [_sendable(text(chance)[:5000]), _sendable(text(chance)[:5000])]
    if how == 1:
        return SimpleUploadedFile("a.xml", text(chance).encode(errors="replace"))
    if how == 2:
        return str(chance.randrange(-5, 50_000))
    return _sendable(text(chance)[:5000])


def _sendable(written: str) -> str:
    """Return the text as the test client can encode it: half a surrogate becomes the letters of its escape."""
    return written.encode("utf-8", "backslashreplace").decode()


def _sent(browser: Client, address: str, given: dict[str, Any]) -> Iterator[str]:
    before = _tenants()
    try:
        answer = browser.post(address, given)
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        yield repr(error)[:300]
        return
    if answer.streaming:
        b"".join(answer)  # which closes it
    if answer.status_code >= 500:
        yield f"status {answer.status_code}"
    after = _tenants()
    if after == before:
        return
    if 400 <= answer.status_code < 500:
        yield f"status {answer.status_code}, and something was stored"
    for shown in after:
        try:
            tenant_file.apply(json.dumps(shown).encode())
        except tenant_file.TenantFileError as refused:
            yield f"what was stored is refused: {refused}"


def _tenants() -> list[Any]:
    return [tenant_file.show(each) for each in Tenant.objects.order_by("slug")]
