"""OutSmart's codes and answers of another form: each becomes one clear error."""

from __future__ import annotations

import pytest
import responses

from integrations import errors
from integrations.calls import Call
from integrations.outsmart.client import Client
from tests.contract.conftest import BEARER_TOKEN, OUTSMART_URL, SOFTWARE_TOKEN, TOKEN
from tests.contract.test_outsmart_client import RELATION, WORK_ORDER, Action, envelope

READ: Action = lambda client: list(client.iter_work_orders(status="Compleet"))  # noqa: E731
WRITE: Action = lambda client: client.post_relations([RELATION])  # noqa: E731

CODES = [
    (1000, errors.ConfigurationError, errors.ConfigurationError),
    (1001, errors.ConfigurationError, errors.ConfigurationError),
    (1002, errors.ConfigurationError, errors.ConfigurationError),
    (1003, errors.ConfigurationError, errors.ConfigurationError),
    (1004, errors.AuthenticationError, errors.AuthenticationError),
    (1005, errors.AuthenticationError, errors.AuthenticationError),
    (1006, errors.ConfigurationError, errors.ConfigurationError),
    (1007, errors.ServerError, errors.OutcomeUnknownError),
    (1008, errors.ConfigurationError, errors.ConfigurationError),
    (1009, errors.ConfigurationError, errors.ConfigurationError),
    (1300, errors.RejectedError, errors.RejectedError),
    (1301, errors.RejectedError, errors.RejectedError),
    (1504, errors.RejectedError, errors.RejectedError),
    (4711, errors.RejectedError, errors.RejectedError),
]


def _answer_everything(web: responses.RequestsMock, **answer: object) -> None:
    web.assert_all_requests_are_fired = False
    web.add("GET", f"{OUTSMART_URL}/GetWorkorders/", **answer)  # type: ignore[arg-type]
    web.add("POST", f"{OUTSMART_URL}/relations/", **answer)  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "for_a_read", "for_a_write"), CODES)
def test_code_says_what_happens_next(
    outsmart_client: Client,
    web: responses.RequestsMock,
    code: int,
    for_a_read: type[errors.IntegrationError],
    for_a_write: type[errors.IntegrationError],
) -> None:
    _answer_everything(web, json=envelope(code=code, messages=("De reden",)))
    for action, expected in ((READ, for_a_read), (WRITE, for_a_write)):
        with pytest.raises(errors.IntegrationError) as caught:
            action(outsmart_client)
        assert type(caught.value) is expected
        assert (caught.value.code, caught.value.detail) == (str(code), "De reden")


def test_rejection_names_the_missing_fields(outsmart_client: Client, web: responses.RequestsMock) -> None:
    messages = ("Required field missing: WorkorderNo", "Iets anders", "Required field missing: CustomerName")
    web.add("POST", f"{OUTSMART_URL}/PostWorkorders/", json=envelope(code=1501, messages=messages))

    with pytest.raises(errors.RejectedError) as caught:
        outsmart_client.post_work_orders([WORK_ORDER])

    assert caught.value.fields == ("WorkorderNo", "CustomerName")
    assert caught.value.detail == "; ".join(messages)


NOT_AGREED = [
    (b"", "empty"),
    (b"  \r\n", "empty"),
    (b"<html>Onderhoud</html>", "not_json"),
    (b'{"code": 200, "response": [', "not_json"),
    (b"[]", "unexpected"),
    (b"{}", "unexpected"),
    (b'{"code": null}', "unexpected"),
    (b'{"code": "abc"}', "unexpected"),
    (b'{"code": 200, "response": {"a": 1}}', "unexpected"),
    (b'{"code": 200, "response": "tekst"}', "unexpected"),
]


@pytest.mark.parametrize(("body", "reason"), NOT_AGREED)
def test_answer_of_another_form_is_a_fault_for_a_read_and_unknown_for_a_write(
    outsmart_client: Client, web: responses.RequestsMock, body: bytes, reason: str
) -> None:
    _answer_everything(web, body=body)

    with pytest.raises(errors.ServerError) as read:
        READ(outsmart_client)
    with pytest.raises(errors.OutcomeUnknownError) as write:
        WRITE(outsmart_client)

    assert (read.value.reason, write.value.reason) == (reason, reason)


@pytest.mark.parametrize("messages", [None, "een zin", ["een zin"], [1, {"a": 2}]])
def test_messages_of_any_form_are_survived(
    outsmart_client: Client, web: responses.RequestsMock, messages: object
) -> None:
    _answer_everything(web, json={"code": 1301, "messages": messages, "response": None})

    with pytest.raises(errors.RejectedError):
        WRITE(outsmart_client)


def test_byte_order_mark_does_no_harm(outsmart_client: Client, web: responses.RequestsMock) -> None:
    _answer_everything(web, body=b'\xef\xbb\xbf{"code": 200, "messages": [], "response": 1}')

    assert WRITE(outsmart_client) == 1


@pytest.mark.parametrize("action", [READ, WRITE])
def test_no_message_or_record_shows_a_token(
    outsmart_client: Client, web: responses.RequestsMock, calls: list[Call], action: Action
) -> None:
    echo = f"token {TOKEN} and {SOFTWARE_TOKEN} and {BEARER_TOKEN} are wrong"
    _answer_everything(web, json=envelope(code=1004, messages=(echo,)))

    with pytest.raises(errors.AuthenticationError) as caught:
        action(outsmart_client)

    told = f"{caught.value!r} {caught.value} {vars(caught.value)} {calls} {outsmart_client!r}"
    assert "secret" not in told
    assert "*** and *** and ***" in caught.value.detail
    assert calls[0].query["token"] == "***"


@pytest.mark.parametrize(
    "damage", [rb'"\ud83d"', rb'"\udc00\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b'"a\x00b"', rb'"\q"', b"NaN"]
)
def test_a_damaged_work_order_leaves_the_others_whole(
    outsmart_client: Client, web: responses.RequestsMock, damage: bytes
) -> None:
    body = b'{"code": 200, "messages": [], "response": [{"id": "1"}, {"id": "2", "Comment": %b}, {"id": "3"}]}' % damage
    web.add("GET", f"{OUTSMART_URL}/GetWorkorders/", body=body)

    found = list(outsmart_client.iter_work_orders(status="Compleet"))

    assert found == [b'{"id": "1"}', b'{"id": "2", "Comment": %b}' % damage, b'{"id": "3"}']


def test_a_list_that_php_wrote_as_an_object_is_read(outsmart_client: Client, web: responses.RequestsMock) -> None:
    body = b'{"code": 200, "messages": [], "response": {"0": {"id": "1"}, "2": {"id": "3"}}}'
    web.add("GET", f"{OUTSMART_URL}/GetWorkorders/", body=body)

    assert list(outsmart_client.iter_work_orders(status="Compleet")) == [b'{"id": "1"}', b'{"id": "3"}']


@pytest.mark.parametrize("code", [b"9" * 5000, b'"' + b"9" * 5000 + b'"', '"²"'.encode()])
def test_a_code_that_is_no_number_is_an_unknown_form(
    outsmart_client: Client, web: responses.RequestsMock, code: bytes
) -> None:
    _answer_everything(web, body=b'{"code": %b, "messages": [], "response": []}' % code)

    with pytest.raises(errors.ServerError) as caught:
        READ(outsmart_client)

    assert caught.value.reason == "unexpected"
