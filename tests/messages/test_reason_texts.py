"""Sentences about failures of the two systems are whole sentences, in the reader's language alone."""

from __future__ import annotations

import pytest
from django.utils import translation

from integrations import errors
from kingsync.messages.reason_texts import reason_of, sentence, stored
from kingsync.rules.outcomes import Reason, reason, with_cause

TIMEOUT = errors.OutcomeUnknownError(system="outsmart", operation="GetWorkorder", reason="timeout")


def text(why: Reason, language: str = "en") -> str:
    with translation.override(language):
        return sentence(stored(why))


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("word", errors.REASONS)
def test_failure_of_which_nothing_more_is_known_is_a_whole_sentence(word: str, language: str) -> None:
    said = text(reason_of(errors.ServerError(system="king", operation="Orders_Opvragen", reason=word)), language)

    assert said.endswith(".")
    assert "HTTP )" not in said


@pytest.mark.parametrize("code", ["order_refused", "approval_refused", "refused_by_king", "refused_by_outsmart"])
def test_refusal_without_an_explanation_says_that_there_is_none(code: str) -> None:
    assert text(reason(code, detail="")).endswith(": no explanation was given.")
    assert text(reason(code, detail="")).count(".") == 1


@pytest.mark.parametrize("code", ["confirmation_failed", "not_looked_up"])
def test_failure_inside_another_sentence_is_in_the_same_language(code: str) -> None:
    said = text(with_cause(code, reason_of(TIMEOUT)), "nl")

    assert said.endswith(
        ": OutSmart antwoordde niet op tijd. Bij de volgende synchronisatie wordt het opnieuw geprobeerd."
    )


def test_failure_inside_another_sentence_keeps_the_sentence_of_its_code() -> None:
    refused = errors.AuthenticationError(system="outsmart", operation="GetWorkorder", code="1004")

    assert "OutSmart does not allow the token (1004)." in text(with_cause("confirmation_failed", reason_of(refused)))
