"""The forms that are read as plain characters: a mail, a page, and data for machines."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agent.domain.look import Look
from agent.domain.report import (
    Citation,
    Claim,
    Disagreement,
    Report,
    Section,
    Side,
    SummarySentence,
)
from agent.rendering import files, render
from agent.rendering.exports.one_page import COLUMNS, LINES
from agent.rendering.exports.plain_text import WIDTH
from agent.rendering.exports.wrapping import columns, wrapped

PAYLOADS = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--", "]]>",
    "[a](javascript:alert(1))", "![x](https://evil.example/?d=1)", "\u2028alert(1)",
    "\n\n# Heading",     "https://evil.example/", "<https://evil.example>", "[^1]: mine", "```",
)  # fmt: skip


def infested(report: Report, payload: str) -> Report:
    """The report with a payload in every text that comes from outside."""
    claims = tuple(
        Claim(c.id, c.sentence + payload, c.verdict, tuple(_quoting(c, payload)))
        for c in report.claims
    )
    return replace(
        report,
        run=replace(report.run, reason=payload, id=payload),
        brief=replace(report.brief, restated=payload, language=payload),
        sections=(Section(payload, ("q1",), claims),),
        summary=(SummarySentence(payload + " x", ("c1",)),),
        gaps=(payload,),
        disagreements=(Disagreement(payload, "number", (Side("c1", payload),)),),
        sources=tuple(
            replace(s, title=payload, authors=(payload,), site=payload) for s in report.sources
        ),
    )


def _quoting(claim: Claim, payload: str) -> list[Citation]:
    return [replace(citation, quote=payload) for citation in claim.citations]


@pytest.mark.parametrize("style", ["numeric", "author-year"])
@pytest.mark.parametrize("name", ["english", "chinese", "empty"])
def test_a_mail_has_no_line_wider_than_72_columns_but_for_addresses(
    name: str, style: str, samples: dict[str, Report]
) -> None:
    text = files(samples[name], ["txt"], Look(style))["report.txt"].decode()  # type: ignore[arg-type]
    wide = [line for line in text.splitlines() if columns(line) > WIDTH]
    assert all(re.fullmatch(r"\s*\S+", line) for line in wide)


def test_every_claim_and_quote_of_a_report_is_in_its_mail(english: Report) -> None:
    text = " ".join(render(english, ["txt"])["report.txt"].split())
    for claim in english.claims:
        assert claim.sentence in text
        assert all(citation.quote in text for citation in claim.citations)
    assert "as planned. [1]" not in text
    assert "ran hotter than planned. [1]" in text
    assert "Retracted" in text
    assert english.gaps[0] in text


def test_what_sources_disagree_on_is_told_in_every_text(english: Report) -> None:
    sides = (Side("c1", "a median of 2.8"), Side("c9", "below 2"))
    disputed = replace(
        english,
        disagreements=(
            Disagreement("efficiency", "number", sides),
            Disagreement("cost", "direction", sides, "c1", "the newer edition counts"),
        ),
    )
    texts = render(disputed, ["txt", "brief"])
    assert (
        "efficiency: No side prevails.\n* a median of 2.8 [1]\n* below 2 [6]" in texts["report.txt"]
    )
    assert "cost: the newer edition counts" in texts["report.txt"]
    assert "*Where sources disagree:* efficiency; cost" in texts["brief.md"]
    document = docx.Document(BytesIO(files(disputed, ["docx"])["report.docx"]))
    paragraphs = [paragraph.text for paragraph in document.paragraphs]
    assert {"efficiency: No side prevails.", "a median of 2.8 [1]"} <= set(paragraphs)


def test_a_report_that_found_nothing_says_so_in_its_mail(empty: Report) -> None:
    text = render(empty, ["txt"])["report.txt"]
    assert "Nothing was found that holds up an answer. No source matched." in text
    assert text.endswith("No source is cited.\n")


@given(st.text(max_size=200), st.integers(10, 80))
def test_wrapping_loses_nothing_but_white_space(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.lists(st.text("ab中文，。（", min_size=1, max_size=6), min_size=1).map(" ".join))
def test_a_wrapped_line_keeps_its_width(text: str) -> None:
    assert max(map(columns, wrapped(text, 40, first="* ", rest="  "))) <= 40


def test_a_line_of_chinese_neither_begins_with_a_comma_nor_ends_with_a_bracket() -> None:
    lines = wrapped("绿地（城市，公园），夜间温差更小，但在无风时仍可察觉。" * 4, 20)
    assert not [line for line in lines if line[0] in "，。）" or line[-1] == "（"]


def page_lines(text: str) -> int:
    return sum(max(1, -(-columns(line) // COLUMNS)) for line in text.splitlines())


def test_a_brief_fits_one_page_however_long_the_report(english: Report) -> None:
    long = replace(
        english, sections=english.sections * 20, summary=english.summary * 2, disagreements=()
    )
    text = render(long, ["brief"])["brief.md"]
    assert LINES - 5 <= page_lines(text) <= LINES


def test_a_brief_has_the_summary_and_the_best_held_claims_first(english: Report) -> None:
    text = render(english, ["brief"])["brief.md"]
    best = next(claim for claim in english.claims if english.holding(claim) == 2)
    assert english.summary[1].sentence in text
    first = text.partition("## Key findings\n\n")[2].splitlines()[0]
    assert first.startswith(f"- {best.sentence}[^")


@pytest.mark.parametrize("name", ["english", "chinese", "empty"])
def test_every_footnote_of_a_brief_is_called_and_every_call_has_its_footnote(
    name: str, samples: dict[str, Report]
) -> None:
    text = render(samples[name], ["brief"])["brief.md"]
    notes = re.findall(r"^\[\^(\d+)\]:", text, re.MULTILINE)
    assert list(dict.fromkeys(re.findall(r"\[\^(\d+)\](?!:)", text))) == notes


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_foreign_is_live_in_a_brief(english: Report, payload: str) -> None:
    report = infested(english, payload)
    tokens = MarkdownIt("commonmark", {"html": True}).parse(render(report, ["brief"])["brief.md"])
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    assert not kinds & {"html_block", "html_inline", "image", "fence", "code_block", "code_inline"}
    hrefs = [str(token.attrs["href"]) for token in inner if token.type == "link_open"]
    assert not [href for href in hrefs if "evil" in href or "javascript" in href]


class Scripts(HTMLParser):
    """Notes the elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_json_ld_may_stand_in_a_page(english: Report, payload: str) -> None:
    text = render(infested(english, payload), ["jsonld"])["report.jsonld"]
    page = Scripts(f'<script type="application/ld+json">{text}</script><p>')
    assert page.tags == ["script", "p"]
    assert not set(text) & set("<>&\u2028\u2029")


def test_json_ld_says_who_wrote_what_is_cited(english: Report) -> None:
    told = json.loads(render(english, ["jsonld"])["report.jsonld"])
    assert told["@type"] == "Report"
    assert told["dateCreated"] == "2026-11-22"
    assert len(told["citation"]) == len(english.cited)
    paper = told["citation"][1]
    assert paper["@type"] == "ScholarlyArticle"
    assert [author["familyName"] for author in paper["author"]] == ["Sørensen", "O'Neill"]
    assert paper["sameAs"] == "https://doi.org/10.1000/heat.7"
    assert told["citation"][3]["creativeWorkStatus"] == "Retracted"
