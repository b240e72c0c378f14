import pytest

from agent.domain.question import Brief, Question, SubQuestion


@pytest.fixture
def brief() -> Brief:
    return Brief(
        restated="Does a long window replace retrieval?",
        language="en",
        sub_questions=(SubQuestion("q1", "How long?"), SubQuestion("q2", "What cost?")),
        web_queries=("long window", "window cost"),
        arxiv_queries=("all:window",),
    )


@pytest.fixture
def question() -> Question:
    return Question("long windows")
