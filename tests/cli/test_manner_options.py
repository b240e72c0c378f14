from typing import Any

import click
import pytest
from click.testing import CliRunner

from agent.cli.options import question_from, question_options, settings_from
from agent.domain.question import Manner

SEEN: list[Manner] = []


@click.command()
@question_options
def asking(**options: Any) -> None:
    SEEN.append(question_from("ports", settings_from(**options), **options).manner)


@pytest.mark.parametrize(
    ("words", "manner"),
    [
        ([], Manner()),
        (["--style", "brief", "--audience", "mayors"], Manner("brief", "mayors")),
        (["--style", "survey", "--words", "900"], Manner("survey", "", 900)),
    ],
)
def test_style_audience_and_words_reach_the_question(words: list[str], manner: Manner) -> None:
    done = CliRunner().invoke(asking, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert SEEN.pop() == manner


@pytest.mark.parametrize("words", [["--style", "poem"], ["--words", "3"]])
def test_a_style_or_length_that_cannot_be_is_refused(words: list[str]) -> None:
    assert CliRunner().invoke(asking, words).exit_code == 2
