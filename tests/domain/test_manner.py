import pytest

from agent.domain.question import Manner, Question
from agent.errors import InvalidQuestion


def test_a_style_says_how_many_claims_a_section_has_and_a_length_overrules_it() -> None:
    assert Manner("brief").claims(3) < Manner().claims(3) < Manner("survey").claims(3)
    assert Manner(length=440).claims(4) == 5
    assert Manner(length=50).claims(7) == 1
    assert Manner(length=440).claims(0) == 20


def test_a_question_carries_its_manner_and_refuses_an_impossible_length() -> None:
    asked = Question("ports", style="survey", audience="mayors", length=900)
    assert asked.manner == Manner("survey", "mayors", 900)
    with pytest.raises(InvalidQuestion, match="length"):
        Question("ports", length=0)
