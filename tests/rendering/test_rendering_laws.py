"""What holds for any report, however hostile the pages it was made from."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agent.domain.evidence import Failure, Source
from agent.domain.look import STYLES, Look
from agent.domain.question import SOURCE_KINDS, Brief, Question, SubQuestion
from agent.domain.report import (
    Citation,
    Claim,
    Disagreement,
    Dropped,
    Report,
    Run,
    Section,
    Side,
    SummarySentence,
    Usage,
)
from agent.rendering import render
from agent.rendering.html_report import as_html
from agent.rendering.json_report import as_json
from agent.rendering.markdown_report import as_markdown
from agent.rendering.reading_back import read

TRICKS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)",
    "<!--", "]]>", "</title>", "</style><style>*{display:none}", "<a href=https://evil.example>x</a>",
    "![a](https://evil.example/p.png)", "[a](javascript:alert(1))", "[^1]", "\n[^1]: mine",
    "\n\n[1]: https://evil.example\n\n", "[1]", "https://evil.example/?d=1", "www.evil.example",
    "<https://evil.example>", "`", "```\n", "~~~", "| a | b |\n|---|---|\n| c | d |",
    "\n# Heading\n",
    "\n===\n", "\n---\n", "\n- item", "1. item", "\n> said", "    code", "**", "__", "*", "\\",
    "&lt;b&gt;", "&#60;b&#62;", "&amp", "{{ 7 * 7 }}", "{% include 'x' %}", "{# x #}", "$x$",
    "\u202etxt", "\x00", "\x85", "\u2028", "\ufeff", "\ud800", "}", "{", "中文。", "a", " ",
)  # fmt: skip
ADDRESSES = (
    "https://ok.example/", "http://ok.example/a b?x=<b>&y='\"#f", "file:///notes/a (1).md",
    "https://ok.example/) ![x](https://evil.example", 'https://ok.example/"onclick="x',
    "https://ok.example/中文_(页)", "javascript:alert(1)", "java\tscript:alert(1)", " JaVaScRiPt:x",
    "data:text/html,<script>1</script>", "vbscript:x", "//evil.example", "https:evil.example",
    "https://", "https://[", "file://evil.example/share", "notes.md", "",
)  # fmt: skip
TAGS = frozenset(
    "a blockquote body br caption circle dd desc details div dl dt figcaption figure g h1 h2 head"
    " header html li main meta nav ol p path q rect script section span strong style summary svg"
    " table tbody td text th thead time title tr ul".split()
)
ATTRIBUTES = frozenset(
    "aria-describedby aria-label aria-labelledby charset class content cx cy d datetime dir fill"
    " font-family font-size height href http-equiv id lang name open r rel role scope stroke"
    " stroke-opacity text-anchor viewbox width x y".split()
)
HREF = re.compile(r"#|documents/[0-9a-f]{64}\.txt$|https?://ok\.example/|file:///notes/")

outside = st.lists(st.sampled_from(TRICKS) | st.text(max_size=8), max_size=4).map("".join)
visible = outside.map(lambda text: f"x{text}")
looks = st.sampled_from(STYLES).map(Look)
moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(1990, 1, 1))  # noqa: DTZ001  # hypothesis wants the bound naive


@st.composite
def reports(draw: st.DrawFn) -> Report:
    sources = tuple(
        Source(
            f"S{number}",
            draw(st.sampled_from(SOURCE_KINDS)),
            draw(st.sampled_from(ADDRESSES)),
            draw(outside),
            draw(st.sampled_from(("a" * 64, "../../secret"))),
            draw(moments),
            ((0, 9),),
            tuple(draw(st.lists(outside, max_size=3))),
            draw(st.none() | st.dates(date(1900, 1, 1))),
            draw(outside),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    citations = st.builds(
        Citation,
        st.sampled_from([source.id for source in sources]),
        st.just("S1.1"),
        outside,
        st.just(0),
        st.just(9),
    )
    claims = st.builds(
        Claim,
        outside,
        visible,
        st.sampled_from(("held", "repaired")),
        st.lists(citations, min_size=1, max_size=3).map(tuple),
        st.none() | st.floats(0, 1),
        st.sampled_from(("rules", "model")),
    )
    sections = st.builds(
        Section, visible, st.just(("q1",)), st.lists(claims, max_size=3).map(tuple)
    )
    written = tuple(draw(st.lists(sections, max_size=2)))
    ids = [claim.id for section in written for claim in section.claims]
    disagreements = st.builds(
        Disagreement,
        outside,
        st.sampled_from(("number", "direction", "negation")),
        st.lists(st.builds(Side, st.sampled_from(ids or [""]), outside), max_size=3).map(tuple),
        outside,
        outside,
    )
    usage = Usage(1, 2, 3, Decimal("0.00001"))
    began, ended = sorted((draw(moments), draw(moments)))
    return Report(
        run=Run(
            draw(outside),
            Question(draw(visible)),
            began,
            ended,
            draw(st.sampled_from(("complete", "partial", "empty"))),
            draw(outside),
        ),
        brief=Brief(
            draw(visible),
            draw(st.sampled_from(("en", "zh-Hant", "de", "../en")) | outside),
            (SubQuestion("q1", draw(outside)),),
            (draw(outside),),
            (draw(outside),),
        ),
        sections=written,
        dropped=(Dropped(draw(outside), draw(outside)),),
        gaps=(draw(outside),),
        sources=sources,
        failures=(Failure(draw(outside), draw(outside)),),
        usage=Usage(
            1,
            2,
            3,
            by_task={draw(outside): usage, "write": usage},
            by_model={draw(outside): usage},
            unpriced=(draw(outside),),
        ),
        seconds_by_stage={draw(outside): 1.0, "verify": 2.0},
        summary=(SummarySentence(draw(visible), tuple(ids)),) if ids else (),
        disagreements=tuple(draw(st.lists(disagreements, max_size=1 if ids else 0))),
    )


class Page(HTMLParser):
    """Notes what a browser would see of a page's markup."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.declared: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_comment(self, data: str) -> None:
        self.declared.append(data)

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


@settings(max_examples=60, deadline=None)
@given(reports(), looks)
def test_only_our_own_markup_stands_in_the_page(report: Report, look: Look) -> None:
    page = Page(as_html(report, look))
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert all(HREF.match(href) for href in page.values("href"))
    assert page.tags.count("style") == page.tags.count("script") == 1
    assert not page.declared


@settings(max_examples=60, deadline=None)
@given(reports(), looks)
def test_every_link_inside_the_page_leads_to_one_place(report: Report, look: Look) -> None:
    page = Page(as_html(report, look))
    ids = page.values("id")
    inside = [href[1:] for href in page.values("href") if href.startswith("#")]
    assert len(ids) == len(set(ids))
    named = " ".join(page.values("aria-describedby") + page.values("aria-labelledby")).split()
    assert {*inside, *named} <= set(ids)
    marks = {href for href in inside if href.startswith("ref-")}
    assert marks == {f"ref-{number}" for number, _ in enumerate(report.cited, 1)}


@settings(max_examples=100, deadline=None)
@given(reports(), looks)
def test_nothing_foreign_is_live_in_markdown(report: Report, look: Look) -> None:
    text = as_markdown(report, look)
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    assert "<" not in re.sub(r"<https?://ok\.example/[^<>\s]*>|<file:///notes/[^<>\s]*>", "", text)
    assert not kinds & {
        "html_block", "html_inline", "image", "fence", "code_block", "code_inline",
        "hr", "s_open",
    }  # fmt: skip
    assert [token.type for token in tokens].count("table_open") == len(report.disagreements)
    hrefs = [str(token.attrs["href"]) for token in inner if token.type == "link_open"]
    assert all(HREF.match(href) for href in hrefs)
    assert sum(t.type == "heading_open" and t.tag == "h1" for t in tokens) == 1


@settings(max_examples=60, deadline=None)
@given(reports())
def test_every_footnote_is_called_and_every_call_has_its_footnote(report: Report) -> None:
    text = render(report, ["md"])["report.md"]
    notes = re.findall(r"^\[\^(\d+)\]:", text, re.MULTILINE)
    called = re.findall(r"\[\^(\d+)\](?!:)", re.sub(r"\\.", "", text))
    assert notes == [str(number + 1) for number in range(len(notes))]
    assert {*called} == {*notes}


@settings(max_examples=60, deadline=None)
@given(reports())
def test_json_gives_back_every_text_as_it_was(report: Report) -> None:
    read = json.loads(render(report, ["json"])["report.json"])
    claims = [claim for section in read["sections"] for claim in section["claims"]]
    assert [claim["sentence"] for claim in claims] == [claim.sentence for claim in report.claims]
    assert [source["url"] for source in read["sources"]] == [s.url for s in report.sources]
    assert read["brief"]["restated"] == report.brief.restated
    assert {s["id"] for s in read["sources"] if s["cited"]} == {s.id for s in report.cited}


@settings(max_examples=60, deadline=None)
@given(reports())
def test_what_was_written_as_json_is_read_back_as_it_was(report: Report) -> None:
    whole = as_json(report).encode(errors="replace").decode()  # half a character cannot be written
    text = as_json(read(whole))  # and what stands in its place may be sorted otherwise
    assert as_json(read(text)) == text


@settings(max_examples=60, deadline=None)
@given(reports())
def test_bibtex_stays_balanced_and_its_keys_unique(report: Report) -> None:
    text = render(report, ["bib"])["references.bib"]
    keys = re.findall(r"^@misc\{([a-z0-9-]+),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys)) == len(report.cited)
    depths = [0]
    for brace in re.findall(r"[{}]", text):
        depths.append(depths[-1] + (1 if brace == "{" else -1))
    assert min(depths) == depths[-1] == 0
    assert len(re.findall(r"^\}$", text, re.MULTILINE)) == len(keys)


@settings(max_examples=30, deadline=None)
@given(reports())
def test_the_same_report_gives_the_same_bytes(report: Report) -> None:
    assert render(report) == render(report)
