"""Every message has an answer to "what now?", in both languages."""

from __future__ import annotations

import pytest
from django.utils import translation

from integrations import errors
from kingsync.messages.advice import ADVICE, GROUPS, codes_by_heading
from kingsync.messages.reason_texts import SENTENCES, code_of_sentence, reason_of, stored


def test_every_message_says_what_to_do() -> None:
    assert set(ADVICE) == set(SENTENCES)


def test_every_code_is_under_one_heading() -> None:
    codes = [code for _heading, under in codes_by_heading() for code in under]

    assert sorted(codes) == sorted(SENTENCES)


@pytest.mark.parametrize("answer", [answer for _heading, answers in GROUPS for answer, _codes in answers])
def test_answer_is_whole_and_translated(answer: object) -> None:
    with translation.override("en"):
        english = str(answer)
    with translation.override("nl"):
        dutch = str(answer)

    assert english.endswith(".")
    assert dutch.endswith(".")
    assert dutch != english


def test_message_about_a_line_is_explained_by_what_is_wrong_with_the_line() -> None:
    reason = {"code": "line_refused", "params": {"line": "KNIE", "code": "unknown_article", "article": "KNIE"}}

    assert code_of_sentence(reason) == "unknown_article"


def test_message_with_a_sentence_of_its_own_is_explained_by_that() -> None:
    refused = errors.AuthenticationError(system="outsmart", operation="GetWorkorder", code="1004")

    assert code_of_sentence(stored(reason_of(refused))) == "system.authentication.outsmart-1004"
    assert code_of_sentence({"code": "line_refused", "params": {"code": "no_hour_type"}}) == "line_refused.no_hour_type"


@pytest.mark.parametrize("reason", [{}, {"code": "from_another_version", "params": {}}])
def test_unknown_message_has_no_explanation(reason: dict[str, object]) -> None:
    assert code_of_sentence(reason) == ""
