"""How hard a prompt is taken to be."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client.routing import difficulty, kinds
from gateway_client.routing.difficulty import HEAD, TAIL, assess
from gateway_client.routing.router import STRONG_FROM

PROMPTS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "routing_prompts.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]

RIGHT_AT_LEAST = 0.95
KINDS_AT_LEAST = 0.90
"""Floors, not targets: 59 and 56 of the 60 prompts are right. They were written for this project
after the weights were fitted, and no weight was changed to suit them."""

any_text = st.text() | st.text(alphabet="aA1 $\\{}()_^.,?=\n数字？")


def right(prompts: list[dict[str, object]]) -> float:
    judged = [(assess(str(p["prompt"])).score >= STRONG_FROM) == p["hard"] for p in prompts]
    return sum(judged) / len(judged)


def test_hard_prompts_are_told_from_easy_ones() -> None:
    assert len(PROMPTS) == 60
    assert right(PROMPTS) >= RIGHT_AT_LEAST


def test_chinese_prompts_are_told_as_well() -> None:
    chinese = [p for p in PROMPTS if any("\u4e00" <= c <= "\u9fff" for c in p["prompt"])]
    assert len(chinese) >= 12
    assert right(chinese) >= RIGHT_AT_LEAST


def test_kinds_are_recognised() -> None:
    known = [assess(p["prompt"]).kind == p["kind"] for p in PROMPTS]
    assert sum(known) / len(known) >= KINDS_AT_LEAST


def test_the_weights_are_those_that_were_measured() -> None:
    shipped = difficulty.WEIGHTS_FILE.read_bytes()
    assert hashlib.sha256(shipped).hexdigest() == difficulty.WEIGHTS_SHA256
    assert len(shipped) < 60_000


@given(any_text, st.text(max_size=20), st.none() | st.floats(-9, 9))
def test_any_text_with_any_tag_has_a_score_and_always_the_same(
    text: str, tag: str, prior: float | None
) -> None:
    judged = assess(text, tag, prior)
    assert 0 <= judged.score <= 1
    assert judged == assess(text, tag, prior)
    assert judged.kind in difficulty.load().kinds


@given(any_text, st.floats(-5, 5), st.floats(-5, 5))
def test_what_a_table_says_counts_whatever_the_text(text: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert assess(text, prior=low).score <= assess(text, prior=high).score
    shift = difficulty.logit(assess(text, prior=low).score) - low
    assert abs(shift) <= difficulty.MOST + 1e-6


def test_only_head_and_tail_are_read_however_long_the_text() -> None:
    text = "x" * HEAD + "y" * 10**6 + "z" * TAIL
    assert difficulty.read(text).low == f"{'x' * HEAD}\n{'z' * TAIL}"
    assert difficulty.read("x" * (HEAD + TAIL)).low == "x" * (HEAD + TAIL)


@pytest.mark.parametrize(
    "piece", ["1", "1,", "$", "$1 ", "a.", "(", "\\", "{ ", "a ", "一共", "每"]
)
def test_no_text_makes_a_pattern_backtrack(piece: str) -> None:
    """The steps are counted by lines run, not by time; a pattern that hangs would hang this."""
    text = piece * (HEAD + TAIL)
    assert 0 <= assess(text + "数").score <= 1


def test_an_order_at_the_end_of_a_long_document_counts() -> None:
    document = "The river rose in the night and the bridge was closed. " * 200
    assert assess(f"{document}\n\nSummarize the above.").kind == "summarise"
    assert assess(f"Translate this:\n{document}").kind == "translate"
    assert assess(document).kind == "document"


def test_the_same_kind_is_harder_if_it_is_longer() -> None:
    short = "Tom has 3 pens and buys 4 more. How many pens has he?"
    long = "Each of 12 boxes holds 30 pens, half of them blue. After 4 days a third is sold. " * 4
    assert assess(short).kind == assess(long + short).kind == "arithmetic"
    assert assess(short).score < assess(long + short).score


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("gsm8k", "arithmetic"), ("human_eval", "code"), ("code-review", "code"),
        ("Summarize", "summarise"), ("high_school_mathematics", "competition"), ("", ""),
        ("refine", ""), ("42", ""), ("mmlu", "choice"), ("trivia_qa", "fact"),
    ],
)  # fmt: skip
def test_tags_name_kinds_or_nothing(tag: str, kind: str) -> None:
    assert kinds.tagged(tag) == kind


def test_money_is_no_formula() -> None:
    assert assess("It costs $5 now and was $3 before; how many can I buy for $20?").kind == (
        "arithmetic"
    )
    assert assess("Simplify $x^2 + 2x + 1$.").kind == "competition"


def test_judging_needs_nothing_but_the_standard_library() -> None:
    program = (
        "import sys\n"
        "from gateway_client.routing import difficulty\n"
        "difficulty.assess('Why?')\n"
        "assert not {'numpy', 'sklearn', 'httpx', 'httpx2', 'pydantic'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603 - our own program
