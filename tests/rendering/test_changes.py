import io
from dataclasses import replace
from datetime import UTC, datetime

import docx
import pytest

from agent.domain.changes import KINDS, Change, Predecessor, Quoted
from agent.domain.report import Report
from agent.rendering import files, render
from agent.rendering.changes import changes_page
from agent.rendering.exports.plain_text import WIDTH
from agent.rendering.reading_back import read

THEN = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)
HOSTILE = "It costs 87 <img src=x> [here](javascript:x)"


def since(report: Report, *changes: Change) -> Report:
    return replace(report, predecessor=Predecessor("2026-11-15-before-abc", THEN), changes=changes)


def quoted(quote: str, url: str = "https://a.example/p") -> Quoted:
    return Quoted(quote, "Prices", url, THEN, "a" * 64, 0, len(quote))


def one_of_each(report: Report) -> Report:
    claim = report.claims[0].id
    return since(
        report,
        Change("new", "It is new.", after=(quoted("It is new."),), claims=(claim,)),
        Change("changed", HOSTILE, before=(quoted("It cost 8."),), after=(quoted("It costs 9."),)),
        Change("withdrawn", "It was so.", before=(quoted("It was so."),), gone=True),
        Change("retracted", "A study", before=(quoted("We found it."),), claims=(claim,)),
    )


@pytest.mark.parametrize("form", ["md", "html", "txt"])
def test_what_changed_comes_before_all_else_with_its_quotes_then_and_now(
    form: str, english: Report
) -> None:
    (page,) = render(one_of_each(english), [form]).values()
    page = page.partition("</style>")[2] or page
    places = [page.index(said) for said in ("What has changed", "It cost 8.", "It costs 9.")]
    assert places == sorted(places)
    assert places[-1] < page.index(english.sections[0].title)
    for said in ("Withdrawn", "The page is gone.", "1 sentence rests on it.", "2026-11-15"):
        assert said in page


def test_words_of_strangers_stay_words(english: Report) -> None:
    made = render(one_of_each(english), ["md", "html"])
    assert "&lt;img src=x&gt;" in made["report.html"]
    assert "[here](javascript" not in made["report.md"]
    odd = since(english, Change("new", "It is.", after=(quoted("It is.", "javascript:alert(1)"),)))
    assert all("javascript:" not in text for text in render(odd, ["md", "html"]).values())


def test_nothing_new_is_one_sentence_that_names_the_day(english: Report, chinese: Report) -> None:
    files = render(since(english), ["md", "html", "txt"])
    assert all(
        "Nothing has changed since 2026-11-15" in " ".join(t.split()) for t in files.values()
    )
    assert "自 2026-11-15 以来没有变化" in render(since(chinese), ["md"])["report.md"]


def test_a_report_without_a_predecessor_says_nothing_of_changes(english: Report) -> None:
    assert all("What has changed" not in t for t in render(english, ["md", "html"]).values())


def test_changes_are_read_back_as_they_were_written(english: Report) -> None:
    report = one_of_each(english)
    back = read(render(report, ["json"])["report.json"])
    assert (back.predecessor, back.changes) == (report.predecessor, report.changes)
    assert [change.kind for change in back.changes] == list(KINDS)


def test_alone_the_changes_lead_to_the_report(english: Report) -> None:
    page = changes_page(one_of_each(english), "x/report.html")
    assert 'href="x/report.html#claim-1"' in page
    assert "<html" not in page


def test_plain_text_keeps_its_width(english: Report) -> None:
    text = render(one_of_each(english), ["txt"])["report.txt"]
    told = text.partition("What has changed")[2].partition("In short")[0]
    assert max(map(len, told.splitlines())) <= WIDTH


def test_a_document_for_word_says_it_as_well(english: Report) -> None:
    made = docx.Document(io.BytesIO(files(one_of_each(english), ["docx"])["report.docx"]))
    said = [paragraph.text for paragraph in made.paragraphs]
    assert said.index("What has changed") < said.index("In short")
    assert "Withdrawn: It was so. The page is gone." in said
    assert "then: “It cost 8.” Prices, 2026-11-15" in said
