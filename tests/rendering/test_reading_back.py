import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from agent.domain.report import Cover, Disagreement, Report, Side
from agent.errors import RunUnknown
from agent.rendering.json_report import as_json
from agent.rendering.reading_back import read


@pytest.mark.parametrize("name", ["english", "chinese", "empty"])
def test_a_report_read_back_gives_the_same_bytes(name: str, samples: dict[str, Report]) -> None:
    text = as_json(samples[name])
    assert as_json(read(text)) == text


def test_what_the_question_asked_for_is_read_back(english: Report) -> None:
    asked = replace(
        english.run.question,
        since=date(2020, 1, 1),
        sources=("web",),
        only_sites=("a.example",),
        style="survey",
        length=900,
    )
    whole = replace(english, run=replace(english.run, question=asked))
    assert read(as_json(whole)).run.question == asked


def test_claims_sources_and_disagreements_are_values_again(english: Report) -> None:
    sides = (Side("c1", "2.8"), Side("c4", "2"))
    whole = replace(
        english,
        disagreements=(Disagreement("efficiency", "number", sides, "c1"),),
        cover=Cover("cover.png", "painter", "a calm house"),
    )
    again = read(as_json(whole))
    assert again.sections == whole.sections
    assert again.cover == whole.cover
    assert again.disagreements == whole.disagreements
    assert again.considered == whole.considered
    assert again.usage == whole.usage
    assert again.sources == whole.sources


def test_a_report_from_before_options_were_told_is_read(english: Report) -> None:
    told = json.loads(as_json(english))
    del told["run"]["options"], told["considered"], told["disagreements"]
    assert read(json.dumps(told)).claims == english.claims


def _without_sources(told: dict[str, Any]) -> None:
    told["sources"] = []


def _with_a_number_for_a_title(told: dict[str, Any]) -> None:
    told["sections"][0]["title"] = 7


def _with_an_empty_sentence(told: dict[str, Any]) -> None:
    told["sections"][0]["claims"][0]["sentence"] = " "


def _with_an_empty_question(told: dict[str, Any]) -> None:
    told["run"]["question"] = ""


def _with_a_side_that_nobody_takes(told: dict[str, Any]) -> None:
    sides = [{"claim": "c99", "says": "x"}]
    told["disagreements"] = [{"about": "x", "kind": "number", "sides": sides}]


def _without_a_run(told: dict[str, Any]) -> None:
    del told["run"]


def _with_text_for_a_run(told: dict[str, Any]) -> None:
    told["run"] = "yesterday"


def _of_another_schema(told: dict[str, Any]) -> None:
    told["schema"] = "deep-research/report/9"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_sources, "claim c1 cites S1, which is no source"),
        (_with_a_number_for_a_title, "sections.0.title"),
        (_with_an_empty_sentence, "needs a sentence"),
        (_with_an_empty_question, "the question is empty"),
        (_with_a_side_that_nobody_takes, "a disagreement names c99, which is no claim"),
        (_without_a_run, "run"),
        (_with_text_for_a_run, "deep-research/report/1"),
        (_of_another_schema, "not in the schema deep-research/report/1"),
    ],
)
def test_what_is_no_report_is_refused(
    english: Report, spoil: Callable[[dict[str, Any]], None], said: str
) -> None:
    told = json.loads(as_json(english))
    spoil(told)
    with pytest.raises(RunUnknown, match=said):
        read(json.dumps(told))


@pytest.mark.parametrize("text", ["", "[]", "null", "7", '{"schema": 1}', "{" * 9])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(RunUnknown):
        read(text)
