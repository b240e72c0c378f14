import time

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.coverage import Read, coverage
from agent.domain.question import Brief, SubQuestion
from agent.domain.ranking import terms

FILLER = "The harbour was quiet and the boats of the village were in the bay for most of the day."
NOISE = "In a survey of the coast, the noise of wind turbines was measured at night."
ENGLISH = "What noise do wind turbines make at night?"


def brief(*questions: str, language: str = "en") -> Brief:
    asked = tuple(SubQuestion(f"q{at}", text) for at, text in enumerate(questions, 1))
    return Brief("Wind", language, asked, (), ())


def test_two_independent_sources_cover_a_sub_question_and_copies_do_not() -> None:
    one, copy, other = Read(0, (FILLER, NOISE)), Read(0, (NOISE,)), Read(2, (f"{NOISE} {FILLER}",))
    (found,) = coverage(brief(ENGLISH), [one, other])
    assert (found.sources, found.covered, found.unjudged) == (2, True, 0)
    assert found.share >= 0.6
    (found,) = coverage(brief(ENGLISH), [one, copy])
    assert (found.sources, found.covered) == (1, False)


def test_words_scattered_over_a_source_do_not_cover() -> None:
    scattered = (
        "Noise of the road.",
        "The wind of the sea.",
        "Turbines of a dam.",
        "It was night.",
    )
    (found,) = coverage(brief(ENGLISH), [Read(0, scattered), Read(1, scattered)])
    assert (found.sources, found.covered) == (0, False)
    assert found.share < 0.6


def test_chinese_sources_cover_a_chinese_sub_question() -> None:
    asked = brief("风力发电机夜间噪声有多大", language="zh")
    text = "研究人员测量了海岸附近风力发电机的夜间噪声，结果有多大差别见表。"
    (found,) = coverage(asked, [Read(0, (text,)), Read(1, (text,)), Read(2, ("今天天气很好。",))])
    assert (found.sources, found.covered, found.unjudged) == (2, True, 0)


def test_across_languages_absence_is_unknown_and_presence_is_evidence() -> None:
    english = [Read(0, (FILLER,)), Read(1, (FILLER,))]
    (found,) = coverage(brief("风力发电机夜间噪声有多大", language="zh"), english)
    assert (found.sources, found.covered, found.unjudged) == (0, None, 2)
    german = Read(0, ("Die Windkraftanlagen der Küste sind nachts nicht lauter als die See.",))
    assert coverage(brief(ENGLISH), [german, Read(1, (FILLER,))])[0].covered is False
    assert coverage(brief(ENGLISH), [german, Read(1, (NOISE,))])[0].covered is None
    names = ("KX-3000、KX-4000 与 Zephyr 的比较",)
    (found,) = coverage(brief("Zephyr KX-3000"), [Read(0, names), Read(1, names)])
    assert found.covered is True


def test_nothing_read_covers_nothing_and_a_question_without_terms_is_never_covered() -> None:
    (found,) = coverage(brief(ENGLISH), [])
    assert (found.sources, found.share, found.covered) == (0, 0, False)
    (found,) = coverage(brief("What is it?"), [Read(0, (FILLER,)), Read(1, (FILLER,))])
    assert found.covered is None
    assert coverage(brief(), [Read(0, (FILLER,))]) == ()


WORDS = st.sampled_from(
    ["wind", "winds", "studies", "study", "loud", "风力", "噪声。", "x", "“wind”"]
)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)


@given(TEXTS, st.lists(st.lists(TEXTS, max_size=3), max_size=4))
def test_a_share_is_whole_exactly_if_one_passage_has_every_term(
    asked: str, sources: list[list[str]]
) -> None:
    (found,) = coverage(brief(asked), [Read(at, text) for at, text in enumerate(sources)])
    wanted = set(terms(asked))
    whole = any(wanted and wanted <= set(terms(text)) for source in sources for text in source)
    assert 0 <= found.share <= 1
    assert (found.share == 1) is whole


def test_three_hundred_sources_are_judged_at_once() -> None:
    passage = " ".join([NOISE, FILLER] * 5)
    began = time.perf_counter()
    coverage(brief(*[ENGLISH] * 8), [Read(at, [passage] * 200) for at in range(300)])
    assert time.perf_counter() - began < 5  # under 1 s on an idle core
