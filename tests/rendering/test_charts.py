"""The pictures say what the report says, and nothing is drawn of nothing."""

import re
import runpy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from agent.domain.report import Report, Usage
from agent.rendering import render
from agent.rendering.charts import of_evidence, of_making
from agent.rendering.charts.figure import WIDTH, Figure, lines_of
from agent.rendering.words import words_for

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "rendering.py"
MOST_BYTES = 1_500_000


def drawn(report: Report) -> dict[str, Figure]:
    words = words_for("en")
    labels = [str(number) for number, _ in enumerate(report.cited, 1)]
    figures = (*of_evidence(report, words, str, labels), *of_making(report, words, str))
    return {figure.name: figure for figure in figures}


@pytest.fixture
def long_report() -> Report:
    make: Callable[[], Report] = runpy.run_path(str(BENCHMARK))["long_report"]
    return make()


def test_coverage_counts_claims_and_independent_works_for_each_sub_question(
    english: Report,
) -> None:
    figure = drawn(english)["coverage"]
    assert [row[1:] for row in figure.rows] == [("4", "3"), ("4", "3"), ("3", "2"), ("0", "0")]
    assert [bar.value for bar in figure.bars][2:] == ["3 claims · 2 works", "open"]
    assert figure.bars[0].length > figure.bars[2].length > figure.bars[3].length == 0
    assert "3 of 4 sub-questions" in figure.says


def test_copies_of_one_work_count_once_in_a_section(english: Report) -> None:
    sections = tuple(replace(section, claims=english.claims) for section in english.sections)
    figure = drawn(replace(english, sections=sections, disagreements=()))["independence"]
    assert {row[1] for row in figure.rows} == {"5"}  # of six cited sources, two are one work


def test_sources_stand_in_their_year_by_kind(english: Report) -> None:
    figure = drawn(english)["years"]
    assert figure.head == ("Year", "Web page", "arXiv paper", "Own document")
    assert figure.rows == (
        ("2024", "1", "1", "0"),
        ("2025", "1", "1", "0"),
        ("undated", "1", "0", "1"),
    )
    assert [column.value for column in figure.columns] == [2, 2, 2]


def test_years_long_past_share_a_column_and_years_without_sources_keep_theirs(
    english: Report,
) -> None:
    years = (1999, 2012, 2020, 2023, 2025, 2025, 2025)
    sources = tuple(
        replace(source, published=date(year, 5, 1))
        for source, year in zip(english.sources, years, strict=True)
    )
    columns = drawn(replace(english, sources=sources))["years"].columns
    assert [column.label for column in columns] == (
        ["≤ 2019", "2020", "2021", "2022", "2023", "2024", "2025"]
    )
    assert [column.value for column in columns] == [2, 1, 0, 0, 1, 0, 2]


def test_every_claim_has_a_thread_to_each_of_its_sources(english: Report) -> None:
    figure = drawn(english)["web"]
    cited = {(claim.id, it.source) for claim in english.claims for it in claim.citations}
    assert sum(source.threads.count("M") for source in figure.sources) == len(cited)
    assert len(figure.claims) == len(english.claims)
    assert [bracket.label for bracket in figure.brackets] == ["1", "2", "3", "4"]
    assert figure.rows[2][2] == "2, 3"


def test_the_cost_of_tasks_is_that_of_their_stages(english: Report) -> None:
    usage = replace(
        english.usage,
        by_task=dict.fromkeys(("write", "outline", "judge", "odd"), english.usage),
    )
    figure = drawn(replace(english, usage=usage))["spending"]
    assert figure.rows == (("Synthesize", "$0.0368"), ("Verify", "$0.0184"), ("odd", "$0.0184"))


def test_nothing_is_drawn_of_nothing(empty: Report, english: Report) -> None:
    nothing = replace(empty, seconds_by_stage={}, usage=Usage())
    assert drawn(nothing) == {}
    assert "<svg" not in render(nothing, ["html"])["report.html"]
    assert "spending" not in drawn(replace(english, usage=Usage(3, 1, 1)))
    undated = tuple(replace(source, published=None) for source in english.sources)
    assert "years" not in drawn(replace(english, sources=undated))


def test_every_picture_has_a_name_a_description_and_a_table(english: Report) -> None:
    page = render(english, ["html"])["report.html"]
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) == 6
    for figure in figures:
        named = re.search(r'role="img" aria-labelledby="(\S+) (\S+)"', figure)
        assert named is not None
        assert f'<title id="{named[1]}">' in figure
        assert f'<desc id="{named[2]}">' in figure
        assert "<table>" in figure


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ("short",)),
        ("x" * 60, ("x" * 52, "x" * 8)),
        ("word " * 30, ("word " * 9 + "word", "word " * 9 + "wor…")),
        ("绿地降温" * 20, ("绿地降温" * 7 + "绿地", "降温绿地" * 7 + "降…")),
        ("", ()),
    ],
)
def test_a_label_is_broken_into_two_lines_at_most(text: str, lines: tuple[str, ...]) -> None:
    assert lines_of(text, WIDTH, 2) == lines


def test_a_long_report_stays_small_enough_to_send(long_report: Report) -> None:
    assert len(render(long_report, ["html"])["report.html"].encode()) < MOST_BYTES
