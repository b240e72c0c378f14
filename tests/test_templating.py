import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import templating
from agent.errors import TemplateBroken


@given(st.text())
def test_a_folded_passage_is_one_line_in_every_sense_of_the_word(text: str) -> None:
    for folded in (templating.one_line(text), templating.passage_line(text)):
        assert len(folded.splitlines()) <= 1


def test_a_value_that_is_not_given_is_an_error_and_never_an_empty_string() -> None:
    with pytest.raises(TemplateBroken, match="question"):
        templating.prompt("1-refine/refine")
    with pytest.raises(TemplateBroken, match="no-such"):
        templating.fill("no-such.j2")


def test_a_prompt_template_needs_both_its_blocks() -> None:
    with pytest.raises(TemplateBroken):
        templating.prompt("3-synthesize/_system")


def test_html_templates_escape_what_they_are_given() -> None:
    escapes = templating.environment().autoescape
    assert callable(escapes)
    assert escapes("5-render/report.html.j2")
    assert not escapes("5-render/report.md.j2")  # Markdown is escaped by filters of its own
