"""What the program says of a run is said in the language of the report."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.selection import Reason
from agent.domain.support.reasons import SENTENCES
from agent.rendering.words import words_for

CHINESE = words_for("zh")
CODE = Path(__file__).parents[2] / "agent"
REASONS = {"Unproved", "Failure", "Dropped", "Judged", "BudgetSpent"}
"""What a reason of the program is built with; the text is one of the arguments."""

FROM_OUTSIDE = {"adapters", "testing", "cli", "demo", "doors", "wiring"}


def literal(node: ast.expr) -> str | None:
    """The text of a literal, with an x wherever something is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "7" for p in node.values)
        return "".join(map(str, parts))
    return None


def reasons() -> set[str]:
    found: set[str] = set()
    for path in CODE.rglob("*.py"):
        if path.relative_to(CODE).parts[0] in FROM_OUTSIDE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in REASONS:
                given = (*node.args, *(keyword.value for keyword in node.keywords))
                found |= {text for text in map(literal, given) if text}
    return {text for text in found if len(re.findall(r"[a-z]{2,}", text)) > 1}


def test_every_reason_in_the_stages_and_the_domain_has_a_chinese_form() -> None:
    every = reasons() | set(map(str, SENTENCES.values())) | {one.value for one in Reason}
    assert len(every) > 40
    told = {text: CHINESE.tell(text.replace("{}", "7").replace("{detail}", "7")) for text in every}
    assert [text for text, said in told.items() if re.search(r"[a-z]{2,} [a-z]{2,}", said)] == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "it was stopped by hand; 2 sub-questions are without an answer that holds",
            "被手动停止；2 个子问题没有成立的答案",
        ),
        (
            (
                "the quotes do not support it: the evidence does not state the number 7; the"
                " evidence does not name Ada Lovelace"
            ),
            "引文不支持它：依据中没有数字 7；依据没有提到 Ada Lovelace",
        ),
        ("best for What is it good for?", "最适合 What is it good for?"),
        ("https://a.example/ answered 404", "https://a.example/ 应答 404"),
        ("50% of the limit of 1,000 tokens is used up", "1,000 词元上限的 50% 已用完"),
        ("something nobody foresaw", "something nobody foresaw"),
    ],
)
def test_a_saying_keeps_what_fills_its_gaps(english: str, chinese: str) -> None:
    assert CHINESE.tell(english) == chinese
    assert words_for("en").tell(english) == english


@given(st.text(max_size=200).filter(lambda text: "; " not in text))
def test_what_fills_a_gap_is_taken_as_it_is(text: str) -> None:
    assert words_for("en").tell(text) == text
    if text:
        assert CHINESE.tell(f"there is no claim {text}") == f"没有论断 {text}"


def test_a_text_made_to_be_slow_is_not() -> None:
    hostile = "a search for " * 70 + " - " * 20 + "; " * 20
    assert isinstance(CHINESE.tell(hostile[:600]), str)
