import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from agent.domain.evidence import ONLY_ABSTRACT, Source
from agent.domain.report import Citation, Claim, Judge, Report, Section, SummarySentence, Usage
from agent.rendering import render
from agent.rendering.links import at_quote, linkable
from agent.rendering.markdown_report import escaped
from agent.rendering.words import FALLBACK, languages, words_for

Value = TypeVar("Value")


def page(report: Report) -> str:
    return render(report, ["html"])["report.html"]


def bib(report: Report, **changes: object) -> str:
    first = replace(report.cited[0], **changes)  # type: ignore[arg-type]  # any field of a source
    others = tuple(source for source in report.sources if source.id != first.id)
    return render(replace(report, sources=(first, *others)), ["bib"])["references.bib"]


def many(report: Report, count: int) -> Report:
    """The same source again and again, each cited once."""
    sources = tuple(replace(report.cited[0], id=f"S{number}") for number in range(count))
    claims = tuple(
        Claim(f"c{s.id}", "It holds.", "held", (Citation(s.id, f"{s.id}.1", "a quote", 40, 47),))
        for s in sources
    )
    sections = (Section("All", ("q1",), claims),)
    return replace(report, sources=sources, sections=sections, disagreements=())


def test_the_policy_of_the_page_allows_its_own_style_and_script_and_nothing_else(
    english: Report,
) -> None:
    policy = re.search(r'Content-Security-Policy" content="(.*?)">', page(english))
    assert policy is not None
    assert policy[1] == (
        f"default-src 'none'; style-src '{_digest(english, 'style')}';"
        f" script-src '{_digest(english, 'script')}'; base-uri 'none'; form-action 'none'"
    )


def test_the_page_speaks_the_language_of_the_brief(chinese: Report) -> None:
    assert '<html lang="zh">' in page(chinese)
    assert "来源" in page(chinese)


def test_a_language_without_words_gets_english_ones(chinese: Report) -> None:
    swedish = replace(chinese, brief=replace(chinese.brief, language="sv"))
    assert '<html lang="sv">' in page(swedish)
    assert ">Sources<" in page(swedish)


@pytest.mark.parametrize("language", languages())
def test_every_language_says_all_that_english_says(language: str) -> None:
    ours, english = words_for(language), words_for(FALLBACK)
    gaps = re.compile(r"\{(\w+)")
    assert ours.plain.keys() == english.plain.keys()
    assert ours.counted.keys() == english.counted.keys()
    for key, phrase in english.plain.items():
        assert set(gaps.findall(ours.plain[key])) == set(gaps.findall(phrase)), key


def test_one_source_and_one_claim_are_spoken_of_as_one(english: Report) -> None:
    assert "1 claim held by 1 source ·" in render(many(english, 1), ["md"])["report.md"]


def test_two_hundred_sources_get_two_hundred_references(english: Report) -> None:
    files = render(many(english, 200))
    assert 'id="ref-200"' in files["report.html"]
    assert len(set(re.findall(r"@misc\{(.+),", files["references.bib"]))) == 200
    assert len(files["report.html"]) < 500_000


def test_quotes_of_one_source_share_the_mark_of_their_claim(english: Report) -> None:
    claim = english.sections[0].claims[3]
    assert len(claim.citations) == 2
    shown = page(english).partition(claim.sentence)[2].partition("</p>")[0]
    assert shown.count('class="mark"') == 1
    assert shown.count("<q ") == 2


def test_a_report_that_found_nothing_says_so_and_writes_no_prose(empty: Report) -> None:
    files = render(empty)
    for name in ("report.md", "report.html"):
        assert "Nothing was found that holds up an answer." in files[name]
        assert "colour of Tuesday measurement" in files[name]
        assert "no hits" in files[name]
    assert 'class="claim"' not in files["report.html"]
    assert files["references.bib"].startswith("%")
    assert json.loads(files["report.json"])["sections"] == []


def test_a_cost_that_is_not_known_is_never_shown_as_nothing(english: Report) -> None:
    unknown = replace(english, usage=Usage(1, 10, 5, unpriced=("odd-model",)))
    text = render(unknown, ["md"])["report.md"]
    assert "cost not known" in text
    assert "$0" not in text
    assert "odd-model" in text


def test_the_order_in_which_things_were_noted_does_not_matter(english: Report) -> None:
    turned = replace(
        english,
        seconds_by_stage=_turned(english.seconds_by_stage),
        usage=replace(english.usage, by_model=_turned(english.usage.by_model)),
    )
    assert turned == english
    assert render(turned) == render(english)


def test_json_keeps_its_shape(english: Report) -> None:
    read = json.loads(render(english, ["json"])["report.json"])
    assert list(read) == (
        "schema run brief summary sections dropped disagreements gaps sources independent_sources"
        " considered failures usage rounds timing cover predecessor changes".split()
    )
    assert read["run"]["started"] == "2026-11-22T09:30:00+00:00"
    assert read["brief"]["sub_questions"][3]["covered"] is False
    assert read["usage"]["usd"] == float(Decimal("0.01842"))
    assert list(read["timing"]["by_stage"]) == ["refine", "retrieve", "synthesize", "verify"]
    assert read["timing"]["total_s"] == 94.25


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, (with) brackets - and dashes!", "plain, (with) brackets - and dashes!"),
        ("# not a heading", r"\# not a heading"),
        ("2024. was a year", r"2024\. was a year"),
        ("- not a list", r"\- not a list"),
        ("two\n\nparagraphs", "two paragraphs"),
        ("a <b> & c &lt;", r"a &lt;b&gt; & c \&lt;"),
        ("![x](https://e.example)", r"\!\[x\](https\://e.example)"),
        ("a_b*c`d|e~f", r"a\_b\*c\`d\|e\~f"),
        ("left\u202eright", "leftright"),
    ],
)
def test_markdown_shows_a_foreign_text_as_it_is(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://a.example/b?c=d&e#f", "https://a.example/b?c=d&e#f"),
        ("https://a.example/b c(1)", "https://a.example/b%20c%281%29"),
        ("https://a.example/100%25", "https://a.example/100%25"),
        ("file:///notes/a.md", "file:///notes/a.md"),
        ("file://host/share", None),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("https:///nohost", None),
        ("notes.md", None),
    ],
)
def test_only_web_and_file_addresses_become_links(url: str, link: str | None) -> None:
    assert linkable(url) == link


@pytest.mark.parametrize(
    ("quote", "fragment"),
    [
        ("well-known, so & so", "well%2Dknown%2C%20so%20%26%20so"),
        ("a b c d e f g h i j k l m n", "a%20b%20c%20d%20e%20f,i%20j%20k%20l%20m%20n"),
        ("绿地", "%E7%BB%BF%E5%9C%B0"),
    ],
)
def test_a_web_link_opens_at_the_quote(english: Report, quote: str, fragment: str) -> None:
    source = replace(english.cited[0], url="https://a.example/", page_starts=())
    assert at_quote(source, quote) == f"https://a.example/#:~:text={fragment}"


def test_a_long_chinese_quote_is_named_by_its_ends(chinese: Report) -> None:
    link = at_quote(chinese.cited[0], "绿" * 20 + "，" + "中" * 9 + "；" + "地" * 20)
    assert link is not None
    assert link.endswith(f"text={'%E7%BB%BF' * 20}%EF%BC%8C,{'%E5%9C%B0' * 20}")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"title": "50% of $5 & #1_2"}, r"{{50\% of \$5 \& \#1\_2}}"),
        ({"title": "{x}"}, r"{{\textbraceleft{}x\textbraceright{}}}"),
        ({"title": "^~"}, r"{{\textasciicircum{}\textasciitilde{}}}"),
        ({"authors": ("Ann Lee", "Doe, Jo")}, "author = {Lee, Ann and Doe, Jo},"),
        ({"authors": ("Hope and Sons", "A, B, C")}, "author = {{Hope and Sons} and {A, B, C}},"),
        ({"authors": ("王小明",), "title": "绿地"}, "author = {{王小明}},"),
        ({"authors": ("Łukasz Bjørn",)}, "@misc{bjorn2024field,"),
        ({"authors": (), "url": "https://www.news.example/x"}, "@misc{news2024field,"),
        ({"published": date(2023, 12, 1)}, "year = {2023},\n  month = dec,"),
        ({"kind": "arxiv", "url": "https://arxiv.org/pdf/hep-th/99v3"}, "eprint = {hep-th/99v3},"),
        ({"url": "javascript:x"}, "day = {14},\n  urldate"),
    ],
)  # fmt: skip
def test_bibtex_says_what_its_readers_understand(
    english: Report, changes: dict[str, object], expected: str
) -> None:
    assert expected in bib(english, **changes)


@pytest.mark.parametrize(
    ("more", "link"),
    [
        ({"kind": "arxiv"}, None),  # what was read stands elsewhere
        ({"kind": "arxiv", "note": ONLY_ABSTRACT}, "https://a.example/#:~:text=word"),
        ({"read_url": "https://b.example/x"}, "https://b.example/x#:~:text=word"),
        ({"read_url": "https://b.example/x", "page_starts": (0, 9)}, "https://b.example/x#page=1"),
        ({"url": "https://a.example/#top", "page_starts": (0, 9)}, "https://a.example/#page=1"),
        ({"url": "file:///a.md"}, None),
    ],
)
def test_a_quote_is_opened_where_it_was_read(
    english: Report, more: dict[str, Any], link: str | None
) -> None:
    plain = replace(english.cited[0], url="https://a.example/", page_starts=())
    assert at_quote(replace(plain, **more), "word", 5) == link


def test_a_source_without_a_title_is_called_by_its_address(english: Report) -> None:
    nameless = tuple(replace(source, title=" ") for source in english.sources)
    assert _linked(replace(english, sources=nameless), nameless[0])


def _digest(report: Report, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*)</{tag}>", page(report), re.DOTALL)
    assert found is not None
    return f"sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}"


def _turned(noted: Mapping[str, Value]) -> dict[str, Value]:
    return dict(reversed(list(noted.items())))


def _linked(report: Report, source: Source) -> bool:
    return f">{source.url.replace('&', '&amp;')}</a>" in page(report)


def test_copies_of_one_work_hold_a_claim_as_one(english: Report) -> None:
    first = english.claims[0]
    (citation,) = first.citations
    copied = replace(first, citations=(citation, replace(citation, source="S5")))  # a copy of S1
    other = replace(first, citations=(citation, replace(citation, source="S3")))
    assert [english.holding(claim) for claim in (first, copied, other)] == [1, 1, 2]


def test_the_summary_comes_first_and_leads_to_the_claims_it_condenses(english: Report) -> None:
    files = render(english)
    markdown, html = files["report.md"], files["report.html"]
    assert markdown.index("## In short") < markdown.index("## Efficiency in the field")
    assert "in old houses &lt;too&gt;.[^1][^2]" in markdown
    assert "in old houses &lt;too&gt;." in html
    assert html.index('id="summary"') < html.index('id="part-1"')
    assert all(f'href="#claim-{n}"' in html and f'id="claim-{n}"' in html for n in (1, 2, 9))
    read = json.loads(files["report.json"])
    assert read["summary"][0]["claims"] == ["c1", "c2"]
    assert "17,200" in markdown


def test_a_report_without_a_summary_has_no_place_for_one(chinese: Report) -> None:
    files = render(chinese)
    assert "概要" not in files["report.md"]
    assert 'id="summary"' not in files["report.html"]


def test_the_key_finding_of_a_section_is_what_most_independent_sources_hold(
    english: Report,
) -> None:
    shown = page(english).partition('id="findings"')[2].partition("</ol>")[0]
    assert re.findall(r'href="#claim-(\d+)"', shown) == ["3", "5", "9", "12"]
    assert "held by 2 independent sources" in shown
    said = SummarySentence(english.claims[2].sentence, ("c3",))
    once = page(replace(english, summary=(said,))).partition('id="findings"')[2]
    assert 'href="#claim-3"' not in once.partition("</ol>")[0]
    few = replace(english, sections=english.sections[:1], summary=(), disagreements=())
    assert 'id="findings"' not in page(few)


@pytest.mark.parametrize(
    ("support", "judge", "said"),
    [
        (0.97, "rules", "Strong support (0.97 of 1) · checked by rules"),
        (0.6, "rules", "Sound support (0.60 of 1) · checked by rules"),
        (0.41, "model", "Thin support (0.41 of 1) · checked by rules, settled by a model"),
        (None, "rules", ">checked by rules"),
    ],
)
def test_a_card_says_how_its_claim_was_checked(
    english: Report, support: float | None, judge: Judge, said: str
) -> None:
    claim = replace(english.claims[0], support=support, judge=judge)
    first, *others = english.sections
    sections = (replace(first, claims=(claim, *first.claims[1:])), *others)
    card = page(replace(english, sections=sections)).partition('id="quote-1"')[2]
    assert said in card.partition("</p>")[0]


def test_a_card_names_the_page_the_archived_text_and_a_retraction(english: Report) -> None:
    cards = re.findall(r'<span class="card".*?class="close"', page(english), re.DOTALL)
    assert "<span>p. 2</span>" in cards[0]
    assert f'href="documents/{english.cited[0].sha256}.txt"' in cards[0]
    assert sum("Retracted" in card for card in cards) == 3


def test_sentences_are_shared_out_evenly_over_paragraphs(english: Report) -> None:
    section = replace(english.sections[0], claims=english.claims[:9])
    shown = page(replace(english, sections=(section,), summary=(), disagreements=()))
    paragraphs = re.findall(r'<p dir="auto">\n(.*?)</p>', shown, re.DOTALL)
    assert [paragraph.count('class="claim"') for paragraph in paragraphs] == [3, 3, 3]


def test_a_disagreement_shows_each_side_with_its_source_and_who_prevails(english: Report) -> None:
    files = render(english, ["md", "html"])
    table = files["report.html"].partition('id="disputes"')[2].partition("</section>")[0]
    assert "saving of heat, &lt;by&gt; measure" in table
    assert "No side prevails." in table
    assert "It is the newer edition." in table
    assert table.count('class="won"') == 1
    assert "| 9 percent \\| draughts | Draught-proofing cut" in files["report.md"]
    assert "| rose (prevails) | Among 31 households" in files["report.md"]


def test_the_contents_of_the_markdown_lead_to_its_headings(english: Report) -> None:
    titles = ("Costs: 50% & more!", "Costs 50 more", "Key findings", "绿地 降温")
    sections = tuple(
        replace(section, title=title)
        for section, title in zip(english.sections, titles, strict=True)
    )
    text = render(replace(english, sections=sections), ["md"])["report.md"]
    assert re.findall(r"^\d\. \[.*\]\((#.*)\)$", text, re.MULTILINE) == [
        "#costs-50--more",
        "#costs-50-more",
        "#key-findings-1",
        "#绿地-降温",
    ]
