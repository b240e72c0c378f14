"""What is written for reference managers, read by parsers that are not ours."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import rispy
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import SeparateCoAuthors
from citeproc.source.json import CiteProcJSON
from pylatexenc.latex2text import LatexNodes2Text

from agent.domain.evidence import Source
from agent.domain.report import Report
from agent.rendering import render
from agent.rendering.bibliography.names import name_of
from agent.rendering.clean_text import clean
from agent.rendering.links import linkable


def title(source: Source) -> str:
    return clean(source.title) or clean(source.url)


def authors(source: Source) -> list[str]:
    """The authors that say anything, as plain text without order or punctuation."""
    return [bare(author) for author in source.authors if bare(author)]


def bare(text: str) -> str:
    """All letters and digits of a text, in an order that does not depend on that of names.

    The circumflex that LaTeX calls by name counts as a letter to Unicode, and to nobody else.
    """
    return "".join(sorted(re.sub(r"[\W_ˆ]+", "", clean(text))))


def test_ris_gives_every_source_back(mixed: Report) -> None:
    entries: list[dict[str, Any]] = rispy.loads(render(mixed, ["ris"])["references.ris"])
    assert len(entries) == 200
    for source, entry in zip(mixed.cited, entries, strict=True):
        assert entry["title"] == title(source)
        assert [bare(author) for author in entry.get("authors", [])] == authors(source)
        assert entry.get("year") == (f"{source.published.year:04}" if source.published else None)
        assert entry["urls"] == [linkable(source.url)]
        assert entry.get("doi", "") == source.publication.doi
        assert entry.get("secondary_title", "") == source.publication.venue
    assert len({entry["id"] for entry in entries}) == 200


def test_csl_json_gives_every_source_back(mixed: Report) -> None:
    read = CiteProcJSON(json.loads(render(mixed, ["csl"])["references.csl.json"]))
    assert len(read) == 200
    for source, entry in zip(mixed.cited, read.values(), strict=True):
        assert str(entry["title"]) == title(source)
        names = ["".join(name.values()) for name in entry.get("author", ())]
        assert list(map(bare, names)) == authors(source)
        assert ("issued" in entry) is (source.published is not None)
        if source.published:
            issued = entry["issued"]
            assert (issued.year, issued.month, issued.day) == source.published.timetuple()[:3]
        assert str(entry.get("DOI", "")) == source.publication.doi
        assert str(entry.get("PMID", "")) == source.publication.pmid


def test_bibtex_gives_every_source_back(mixed: Report) -> None:
    text = render(mixed, ["bib"])["references.bib"]
    verbatim = parse_string(text)
    library = parse_string(text, append_middleware=[SeparateCoAuthors()])
    plain = LatexNodes2Text().latex_to_text
    assert not library.failed_blocks
    assert len(library.entries) == len(library.entries_dict) == 200
    for source, entry in zip(mixed.cited, library.entries, strict=True):
        fields = entry.fields_dict
        assert bare(plain(fields["title"].value)) == bare(title(source))
        written = fields["author"].value if "author" in fields else []
        assert [bare(plain(name)) for name in written] == authors(source)
        assert ("year" in fields) is (source.published is not None)
        assert verbatim.entries_dict[entry.key]["url"] == linkable(source.url)
        doi = fields["doi"].value if "doi" in fields else ""
        assert bare(plain(doi)) == bare(source.publication.doi)


def test_a_source_of_three_thousand_authors_names_them_all(mixed: Report) -> None:
    files = render(mixed, ["bib", "ris", "csl"])
    assert files["references.ris"].count("AU  - Family") == 3_000
    crowd = max(json.loads(files["references.csl.json"]), key=lambda i: len(i.get("author", "")))
    assert len(crowd["author"]) == 3_000
    assert len(re.findall(r"Family\w+, Given", files["references.bib"])) == 3_000


def test_the_three_files_call_a_source_by_the_same_key(mixed: Report) -> None:
    files = render(mixed, ["bib", "ris", "csl"])
    keys = re.findall(r"^@misc\{(.+),$", files["references.bib"], re.MULTILINE)
    assert re.findall(r"^ID  - (.+)$", files["references.ris"], re.MULTILINE) == keys
    assert [item["id"] for item in json.loads(files["references.csl.json"])] == keys


def test_a_report_that_cites_nothing_gives_empty_lists(empty: Report) -> None:
    files = render(empty, ["ris", "csl"])
    assert not files["references.ris"]
    assert json.loads(files["references.csl.json"]) == []


@pytest.mark.parametrize(
    ("author", "parts"),
    [
        ("Ann Lee", ("Lee", "Ann", "")),
        ("Doe, Jo", ("Doe", "Jo", "")),
        ("Ludwig van Beethoven", ("van Beethoven", "Ludwig", "")),
        ("Martin Luther King Jr.", ("King", "Martin Luther", "Jr.")),
        ("Jo III", ("III", "Jo", "")),
        ("王小明", ("王小明", "", "")),
        ("Centre for Home Energy", ("Centre for Home Energy", "", "")),
        ("Plato", ("Plato", "", "")),
        ("A, B, C", ("A, B, C", "", "")),
        ("van Gogh", ("Gogh", "van", "")),
        (" , ", ("", "", "")),
    ],
)
def test_a_name_is_taken_apart_only_where_it_surely_is_a_persons(
    author: str, parts: tuple[str, str, str]
) -> None:
    name = name_of(author)
    assert (name.family, name.given, name.suffix) == parts
