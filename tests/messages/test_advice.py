"""Every message has an answer to "what now?", in both languages."""

from __future__ import annotations

import pytest
from django.utils import translation

from integrations import errors
from kingsync.messages.advice.table import ADVICE, GROUPS, codes_by_heading
from kingsync.messages.reason_texts import SENTENCES, code_of_sentence, reason_of, stored
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import ManualAction


def test_every_message_says_what_to_do() -> None:
    assert set(ADVICE) == set(SENTENCES)


def test_every_code_is_under_one_heading() -> None:
    codes = [code for _heading, under in codes_by_heading() for code in under]

    assert sorted(codes) == sorted(SENTENCES)


_TEXTS = [text for _heading, answers in GROUPS for each in answers for text in (each.step, each.more) if text]


@pytest.mark.parametrize("answer", _TEXTS)
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


def test_actions_and_settings_of_answers_exist() -> None:
    """They are texts here, because the messages know nothing of the models."""
    actions = {action for advice in ADVICE.values() for action in advice.actions}
    settings = {advice.setting for advice in ADVICE.values()} - {""}

    assert actions <= set(ManualAction.Kind.values)
    assert settings <= {field.name for field in SyncSettings._meta.get_fields()}


def test_no_two_answers_are_one_text() -> None:
    """What has one step has one answer, unless another setting or another place is behind it."""
    told = [(str(each.step), each.place, each.setting) for _heading, answers in GROUPS for each in answers]

    assert len(told) == len(set(told))
