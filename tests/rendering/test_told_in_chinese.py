"""What the program says of a run is said in the language of the report."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.rendering.sayings import LONGEST, Saying, Sayings
from agent.rendering.words import words_for

CHINESE = words_for("zh")


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
        (
            "a.example is not in the cache, and this run is offline - run once without --offline",
            "a.example 不在缓存中，而本次运行是离线的——请先不带 --offline 运行一次",
        ),
        (
            (
                "this call might bring the budget usd to 0.12 of 0.1: raise usd in [budget], or ask"
                " for fewer tokens; the sources are quoted instead"
            ),
            (
                "这次调用可能使预算 usd 达到 0.12（上限 0.1）——请在 [budget] 中调高 usd，或减少"
                "词元；改为直接引用来源"
            ),
        ),
        (
            (
                "the quotes may say something else; the gateway at http://a.example/v1 did not"
                " answer in time: try again later"
            ),
            "引文说的可能是另一回事；网关 http://a.example/v1 没有及时应答——请稍后再试",
        ),
        (
            "https://a.example/ gave no answer: a reason of others - run once without --offline",
            "https://a.example/ 没有应答：a reason of others——请先不带 --offline 运行一次",
        ),
        (
            "a.example: broken; it was stopped by hand",
            "a.example: broken；被手动停止",
        ),
        ("every arxiv search failed", "所有 arXiv 检索均告失败"),
        ("no model was asked to write", "没有请模型撰写"),
        ("a model's answer to 'judge'", "模型对“裁定”的回答"),
        ("passed over: 2 of a.example already", "略过：a.example 已有 2 个"),
        ("passed over: budget of 1 page used", "略过：1 页的额度已用完"),
        ("best for the question", "最适合所提的问题"),
        ("best for What is it good for?", "最适合 What is it good for?"),
        ("https://a.example/ answered 404", "https://a.example/ 应答 404"),
        ("50% of the limit of 1,000 tokens is used up", "1,000 词元上限的 50% 已用完"),
        ("something nobody foresaw", "something nobody foresaw"),
    ],
)
def test_a_saying_keeps_what_fills_its_gaps(english: str, chinese: str) -> None:
    assert CHINESE.tell(english) == chinese
    assert words_for("en").tell(english) == english


def test_what_stands_in_a_gap_is_not_taken_for_a_saying() -> None:
    sentence = "She asked twice; he answered 7; it rained."
    told = CHINESE.tell(f"a sentence of the summary was dropped: {sentence}")
    assert told == f"概要中有一句被删去：{sentence}"
    assert CHINESE.tell("there is no claim {told} {0}") == "没有论断 {told} {0}"
    named = Sayings.of({"it is at {PLACE}": "{PLACE}"}, {}, next_=";", mended="{told}{mend}")
    assert [named.tell("it is at home"), named.tell("it is at a loss")] == [
        "home",
        "it is at a loss",
    ]
    assert CHINESE.tell("many sources were read, and no sentence on the question held").isascii()


@given(st.text(min_size=1, max_size=200).filter(lambda text: "; " not in text))
def test_what_fills_a_gap_is_taken_as_it_is(text: str) -> None:
    assert words_for("en").tell(text) == text
    assert CHINESE.tell(f"the evidence does not name {text}") == f"依据没有提到 {text}"


@given(st.lists(st.text("ab;: -", min_size=1), min_size=1, max_size=4), st.data())
def test_a_saying_gives_back_what_it_is_made_of(fills: list[str], data: st.DataObject) -> None:
    between = data.draw(st.lists(st.text("ab; ", min_size=1), min_size=len(fills) - 1))
    literals = ("<", *(f"|{text}|" for text in between[: len(fills) - 1]), ">")
    gaps = tuple(f"gap{number}" for number in range(len(fills)))
    text = literals[0] + "".join(map(str.__add__, fills, literals[1:]))
    assert Saying(literals, gaps, "").filled(text) == dict(zip(gaps, fills, strict=True))


@pytest.mark.parametrize(
    "hostile",
    [
        "a search for " * 400,
        "; " * 3_000,
        " - " * 2_000 + ": " * 2_000,
        "the quotes do not support it: " * 200,
        "x; the sources are quoted instead" * 150,
        "its robots.txt is unknown: a answered 7: " * 100 + " - try again later",
        "it was cut off at its greatest length is skipped: x failed: 7; " * 60,
        "about 7 tokens of sources are too many for a window with room for " * 60,
    ],
)
def test_a_text_made_to_be_slow_is_not(hostile: str) -> None:
    began = time.process_time()
    assert CHINESE.tell(hostile[:LONGEST])
    assert time.process_time() - began < 1.0


def test_a_text_longer_than_any_saying_stays_as_it_is() -> None:
    long = "there is no claim " + "x" * LONGEST
    assert CHINESE.tell(long) == long


def test_sayings_with_more_words_of_their_own_come_first() -> None:
    table = {"{one} of {other}": "general", "{one} of all of {other}": "special"}
    sayings = Sayings.of(table, {}, next_=";", mended="{told}{mend}")
    assert sayings.tell("one of all of them") == "special"
    assert sayings.tell("one of them") == "general"
