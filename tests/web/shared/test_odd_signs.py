"""Characters that no database can store, in anything a visitor may send: never an error of ours."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.test import Client
from django.test.client import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from tests.web.conftest import People

NUL = "a\0b"
VALUES: dict[str, str] = {"slug": "jansen", "kind": "export", "system": "king"}
COOKIES = ["sessionid", "csrftoken", "django_language"]


def _filters(model_admin: ModelAdmin[Tenant], operator: User) -> list[str]:
    """Return the query parameters that the changelist of a model accepts."""
    request = RequestFactory().get("/")
    request.user = operator
    names = ["q", "o", "p", "e", "_to_field", "unknown"]
    for each in model_admin.get_list_filter(request):
        if isinstance(each, type) and issubclass(each, SimpleListFilter):
            names.append(str(each.parameter_name))
        else:
            field = each[0] if isinstance(each, tuple) else each
            names += [f"{field}{end}" for end in ("", "__exact", "__gte", "__lt", "__isnull", "__id__exact", "__in")]
    return names


def test_no_filter_of_the_admin_breaks(client: Client, people: People) -> None:
    client.force_login(people.operator)
    client.raise_request_exception = False
    answers = {}
    for model, model_admin in admin.site._registry.items():
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for name in _filters(model_admin, people.operator):
            answers[f"{address}?{name}"] = client.get(address, {name: NUL}).status_code

    assert len(answers) > 100
    assert {question: code for question, code in answers.items() if code != 400} == {}


def _pages(patterns: list[URLPattern | URLResolver], before: str = "") -> list[str]:
    """Return a URL of each of our pages."""
    found = []
    for each in patterns:
        if isinstance(each, URLResolver):
            found += [] if each.app_name == "admin" else _pages(each.url_patterns, before + str(each.pattern))
        else:
            route = before + str(each.pattern)
            for name, converter in each.pattern.converters.items():
                kind = next(key for key, value in _CONVERTERS.items() if isinstance(converter, value))
                value = VALUES.get(name, "1")
                route = route.replace(f"<{kind}:{name}>", value).replace(f"<{name}>", value)
            found.append(f"/{route}")
    return found


def _converters() -> dict[str, type]:
    from django.urls.converters import get_converters  # noqa: PLC0415

    return {name: type(each) for name, each in get_converters().items()}


_CONVERTERS = _converters()


def test_no_page_breaks_by_its_query_or_its_form(client: Client, people: People) -> None:
    client.force_login(people.operator)
    client.raise_request_exception = False
    pages = _pages(get_resolver().url_patterns)
    names = ["q", "before", "after", "state", "number", "event", "run", "next", "sort", "version", "text", NUL]
    codes = {
        **{f"GET {page}": client.get(page, dict.fromkeys(names, NUL)).status_code for page in pages},
        **{f"POST {page}": client.post(page, dict.fromkeys(names, NUL)).status_code for page in pages},
    }

    assert len(pages) > 30
    assert {page: code for page, code in codes.items() if code >= 500} == {}
    assert {page for page, code in codes.items() if code == 200} == set()


def test_the_page_says_that_it_cannot_be_read(editor: Client, tenant: Tenant) -> None:
    answer = editor.get("/t/jansen/log/", {"number": NUL})

    assert answer.status_code == 400
    assert "This request could not be read" in answer.content.decode()


@pytest.mark.parametrize("name", COOKIES)
def test_no_cookie_breaks_a_page(client: Client, db: None, name: str) -> None:
    client.raise_request_exception = False

    # A browser may send any character in quotes, as an octal number.
    answer = client.get("/", HTTP_COOKIE=f'{name}="aaaaaaaaaaaaaaaa\\000aaaaaaaaaaaaaaaa"')

    assert answer.status_code == 400


def test_no_address_breaks_a_page(client: Client, people: People) -> None:
    client.force_login(people.operator)
    client.raise_request_exception = False
    addresses = ["/t/%00/", "/t/jansen/live/%00/", "/invitation/%00/", "/admin/kingsync/user/%00/change/", "/%00"]

    assert {client.get(address).status_code for address in addresses} <= {400, 404}
