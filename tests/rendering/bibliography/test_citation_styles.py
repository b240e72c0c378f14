from __future__ import annotations

import sys
from dataclasses import replace
from typing import get_args

import pytest

from agent.cli.options import CITATION_STYLES
from agent.domain.look import STYLES, CitationStyle
from agent.domain.report import Report
from agent.errors import ExtraMissing
from agent.rendering.bibliography.styles import formatted, marks
from agent.rendering.links import linkable


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("language", ["en", "zh", "sv"])
def test_every_source_gets_one_reference_and_one_mark(
    mixed: Report, style: CitationStyle, language: str
) -> None:
    sources = mixed.cited[:40]
    references = formatted(sources, style, language)
    assert len(references) == len(marks(sources, style, language)) == 40
    assert all(reference.strip() for reference in references)
    assert not any("\n" in reference for reference in references)


@pytest.mark.parametrize(
    ("style", "mark", "reference"),
    [
        (
            "numeric",
            "[1]",
            (
                "Ingrid Sørensen, Paul O'Neill. Flow temperature and seasonal performance of"
                " retrofitted heat pumps. Heat & Homes. arXiv:2403.04567. 2024-03-07."
                " https://doi.org/10.1000/heat.7"
            ),
        ),
        (
            "author-year",
            "(Sørensen & O'Neill 2024)",
            (
                "Ingrid Sørensen, Paul O'Neill (2024). Flow temperature and seasonal performance of"
                " retrofitted heat pumps. Heat & Homes. arXiv:2403.04567."
                " https://doi.org/10.1000/heat.7"
            ),
        ),
        (
            "apa",
            "(Sørensen & O’Neill, 2024)",
            (
                "Sørensen, I., & O’Neill, P. (2024). Flow temperature and seasonal performance of"
                " retrofitted heat pumps"
            ),
        ),
        ("ieee", "[1]", "I. Sørensen and P. O’Neill, “Flow temperature and seasonal performance"),
        ("gb7714", "[1]", "SØRENSEN I, O’NEILL P. Flow temperature and seasonal performance"),
    ],
)
def test_a_style_writes_as_its_guide_says(
    english: Report, style: CitationStyle, mark: str, reference: str
) -> None:
    paper = english.sources[1:2]
    assert marks(paper, style, "en")[0].replace("'", "’") == mark.replace("'", "’")
    written = formatted(paper, style, "en")[0]
    assert written.replace("'", "’").startswith(reference.replace("'", "’"))


def test_sources_of_one_author_and_year_are_told_apart_by_letters(english: Report) -> None:
    paper = english.sources[1]
    three = tuple(replace(paper, id=f"S{n}", title=f"Part {n}") for n in range(30))
    written = marks(three, "author-year", "en")
    assert written[0] == "(Sørensen & O'Neill 2024a)"
    assert written[25:28] == tuple(f"(Sørensen & O'Neill 2024{n})" for n in ("z", "aa", "ab"))
    assert formatted(three, "author-year", "en")[1].startswith(
        "Ingrid Sørensen, Paul O'Neill (2024b). Part 1."
    )


def test_a_chinese_report_has_chinese_words_in_its_references(chinese: Report) -> None:
    assert "日期不详" in formatted(chinese.cited, "numeric", "zh")[0]
    assert formatted(chinese.cited, "gb7714", "zh")[0].startswith("王小明, 李华. 城市公园")


@pytest.mark.parametrize("style", ["numeric", "author-year"])
def test_our_own_styles_end_with_the_address(mixed: Report, style: CitationStyle) -> None:
    for source, reference in zip(mixed.cited, formatted(mixed.cited, style, "en"), strict=True):
        doi = source.publication.doi
        assert reference.endswith(linkable(f"https://doi.org/{doi}" if doi else source.url) or "")


def test_a_style_whose_extra_is_missing_says_which(
    english: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "citeproc", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'deep-research-agent\[styles\]'"):
        formatted(english.cited, "apa", "fr")  # no other test asks for it: the last is kept


def test_the_command_line_knows_the_styles() -> None:
    assert CITATION_STYLES == STYLES == get_args(CitationStyle)
