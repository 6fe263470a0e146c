"""King's refusals, error pages and answers of another form: each becomes one clear error."""

from __future__ import annotations

import pytest
import responses

from integrations import errors
from integrations.calls import Call
from integrations.king.client import Client
from integrations.king.records import Kind
from tests.contract.conftest import ACCESS_CODE, OTHER_ACCESS_CODE
from tests.contract.test_king_client import NEW_ORDER, Action, everything

READ: Action = lambda client: client.read_page(Kind.DEBTOR)  # noqa: E731
WRITE: Action = lambda client: client.create_order(NEW_ORDER)  # noqa: E731


@pytest.mark.parametrize("action", [READ, WRITE])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("LOCK", errors.ConflictError),
        ("BEZET", errors.ConflictError),
        ("lock", errors.RejectedError),
        (12, errors.RejectedError),
    ],
)
def test_refusal_keeps_kings_words(
    king_client: Client,
    web: responses.RequestsMock,
    action: Action,
    code: object,
    expected: type[errors.RejectedError],
) -> None:
    refusal = {"Status": 1, "FoutCode": code, "FoutMelding": "Debiteur is geblokkeerd; vraag “Anna”."}
    everything(web, json=[{"Status": 0, "OrderNummer": 1}, refusal])

    with pytest.raises(errors.RejectedError) as caught:
        action(king_client)

    assert type(caught.value) is expected
    assert caught.value.code == str(code)
    assert caught.value.detail == "Debiteur is geblokkeerd; vraag “Anna”."


NOT_AGREED = [
    (b"", "empty"),
    (b"<html><title>IIS</title></html>", "not_json"),
    (b'[{"Status": 0, "OrderNummer": 12', "not_json"),
    (b'[{"x": ' + b"[" * 100_000, "not_json"),
    (b"[]", "unexpected"),
    (b"{}", "unexpected"),
    (b'{"Message": "Fout"}', "unexpected"),
    (b"[1]", "unexpected"),
    (b"[{}]", "unexpected"),
    (b'[{"Status": null}]', "unexpected"),
    (b'[{"Status": "goed"}]', "unexpected"),
    (b'[{"Status": 0.5}]', "unexpected"),
    (b'[{"Status": [0]}]', "unexpected"),
    (b'[{"Status": 0}, {}]', "unexpected"),
    (b'[{"Status": 0, "Debiteuren": null}]', "unexpected"),
    (b'[{"Status": 0, "Debiteuren": {}}]', "unexpected"),
    (b'[{"Status": 0, "Debiteuren": [], "VolgendeVanaf": {}, "OrderNummer": {}}]', "unexpected"),
]


@pytest.mark.parametrize(("body", "reason"), NOT_AGREED)
def test_answer_of_another_form_is_a_fault_for_a_read_and_unknown_for_a_write(
    king_client: Client, web: responses.RequestsMock, body: bytes, reason: str
) -> None:
    everything(web, body=body)

    with pytest.raises(errors.ServerError) as read:
        READ(king_client)
    with pytest.raises(errors.OutcomeUnknownError) as write:
        WRITE(king_client)

    assert (read.value.reason, write.value.reason) == (reason, reason)


PAGES = [
    (b'[{"ErrorCode": "E1", "Error": "Eerste"}, {"ErrorCode": 2, "Error": "Tweede"}]', "E1, 2", "Eerste; Tweede"),
    (b'{"Message": "No HTTP resource was found."}', "", "No HTTP resource was found."),
    (b"<html><title>IIS</title></html>", "", ""),
    (b"", "", ""),
    (b'[{"ErrorCode": ["x"]}]', "", ""),
]


@pytest.mark.parametrize(("body", "code", "detail"), PAGES)
@pytest.mark.parametrize(
    ("status", "for_a_read", "for_a_write"),
    [
        (400, errors.RejectedError, errors.RejectedError),
        (401, errors.AuthenticationError, errors.AuthenticationError),
        (403, errors.AuthenticationError, errors.AuthenticationError),
        (404, errors.ConfigurationError, errors.ConfigurationError),
        (429, errors.RateLimitError, errors.RateLimitError),
        (500, errors.ServerError, errors.OutcomeUnknownError),
        (503, errors.ServerError, errors.OutcomeUnknownError),
    ],
)
def test_error_page_becomes_one_clear_error(
    king_client: Client,
    web: responses.RequestsMock,
    status: int,
    for_a_read: type[errors.IntegrationError],
    for_a_write: type[errors.IntegrationError],
    body: bytes,
    code: str,
    detail: str,
) -> None:
    everything(web, body=body, status=status)
    for action, expected in ((READ, for_a_read), (WRITE, for_a_write)):
        with pytest.raises(errors.IntegrationError) as caught:
            action(king_client)
        assert type(caught.value) is expected
        assert (caught.value.status, caught.value.code, caught.value.detail) == (status, code, detail)


@pytest.mark.parametrize("action", [READ, WRITE])
@pytest.mark.parametrize("status", [200, 401, 500])
def test_no_message_or_record_shows_an_access_code(
    king_client: Client, web: responses.RequestsMock, calls: list[Call], action: Action, status: int
) -> None:
    words = f"Code {ACCESS_CODE} of {OTHER_ACCESS_CODE} is onjuist"
    everything(web, json=[{"Status": 1, "FoutMelding": words, "Error": words}], status=status)

    with pytest.raises(errors.IntegrationError) as caught:
        action(king_client)

    told = f"{caught.value!r} {caught.value} {vars(caught.value)} {calls} {king_client!r}"
    assert "secret" not in told
    assert caught.value.detail == "Code *** of *** is onjuist"


def test_call_record_shows_the_body_that_failed(
    king_client: Client, web: responses.RequestsMock, calls: list[Call]
) -> None:
    everything(web, json=[{"Status": 1, "FoutCode": "X", "FoutMelding": "Nee"}])

    with pytest.raises(errors.RejectedError):
        WRITE(king_client)

    assert calls[0].operation == "Order_Toevoegen"
    assert calls[0].body == '{"DebiteurNummer":10020,"ExternOrderNummer":"OS-1"}'
    assert '"FoutMelding": "Nee"' in calls[0].answer
    assert calls[0].reason == "rejected"
