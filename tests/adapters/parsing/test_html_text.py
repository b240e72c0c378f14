from __future__ import annotations

import pytest
import trafilatura

from agent.adapters.parsing.html_text import read_html
from agent.domain.evidence import Page, Publication
from agent.domain.text import clean

WORDS = "Long inputs cost more time and money than a search does, in every test that was made. "
TABLE = """<table><thead><tr><th>Model</th><th>Cost<br>in USD</th></tr></thead><tbody>
<tr><td>A <b>bold</b> one</td><td>1.2</td></tr><tr><td>B</td><td>7</td></tr></tbody></table>"""
URL = "https://example.org/a/b"


def read(head: str = "", body: str = "") -> Page:
    return read_html(
        f"<html><head><title>T</title>{head}</head><body><article><p>{WORDS * 4}</p>{body}"
        f"</article></body></html>",
        URL,
    )


def meta(**tags: str) -> str:
    return "".join(f'<meta name="{name}" content="{said}">' for name, said in tags.items())


def test_a_paper_states_its_identifiers_and_its_venue() -> None:
    page = read(
        meta(
            citation_doi="https://doi.org/10.1000/ABC.1",
            citation_arxiv_id="2101.00001v2",
            citation_pmid="123456",
            citation_journal_title="Journal of Tests",
        )
    )
    assert page.publication == Publication(
        doi="10.1000/abc.1", arxiv_id="2101.00001", pmid="123456", venue="Journal of Tests"
    )


@pytest.mark.parametrize(
    ("said", "doi", "arxiv_id"),
    [
        ("doi:10.1000/x", "10.1000/x", ""),
        ("https://doi.org/10.1000/x(1)2", "10.1000/x(1)2", ""),
        ("arXiv:hep-th/9901001v3", "", "hep-th/9901001"),
        ("https://arxiv.org/abs/2101.00001", "", "2101.00001"),
        ("ISBN 978-3-16-148410-0", "", ""),
        ("x" * 201 + "10.1000/x", "", ""),
    ],
)
def test_a_dublin_core_identifier_is_a_doi_or_an_arxiv_id_or_nothing(
    said: str, doi: str, arxiv_id: str
) -> None:
    page = read(f'<meta name="DC.Identifier" content="{said}">')
    assert (page.publication.doi, page.publication.arxiv_id) == (doi, arxiv_id)


def test_authors_of_a_paper_are_named_in_the_usual_order() -> None:
    tags = ("Lee, Ann", "Bob Ray", "Fox, Cy, Jr.", "Lee, Ann")
    head = "".join(f'<meta name="citation_author" content="{name}">' for name in tags)
    assert read(head).authors == ("Ann Lee", "Bob Ray", "Fox, Cy, Jr.")
    assert read('<meta name="author" content="Ann Lee">').authors == ("Ann Lee",)


@pytest.mark.parametrize(
    ("href", "canonical"),
    [
        ("https://example.org/c?x=1", "https://example.org/c?x=1"),
        ("/c", "https://example.org/c"),
        ("//other.org/c", "https://other.org/c"),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_the_address_a_page_gives_itself_leads_to_the_web(href: str, canonical: str) -> None:
    assert read(f'<link rel="canonical" href="{href}">').canonical_url == canonical


def test_site_and_licence_are_what_the_page_names() -> None:
    head = '<meta property="og:site_name" content=" The  Site "><link rel="license" href="{}">'
    by = "https://creativecommons.org/licenses/by-sa/4.0/"
    page = read(head.format(by))
    assert (page.site, page.publication.licence) == ("The Site", "CC BY-SA 4.0")
    zero = "https://creativecommons.org/publicdomain/zero/1.0/"
    assert read(head.format(zero)).publication.licence == "CC0 1.0"
    footer = f'<footer><a rel="license" href="{by}">some rights</a></footer>'
    assert read(body=footer).publication.licence == "CC BY-SA 4.0"
    nothing = read()
    assert (nothing.site, nothing.canonical_url, nothing.publication) == ("", "", Publication())


def test_a_table_has_one_row_a_line_and_bars_between_its_cells() -> None:
    lines = read(body=TABLE).text.splitlines()
    start = lines.index("| Model | Cost in USD |")
    assert lines[start + 2 : start + 4] == ["| A bold one | 1.2 |", "| B | 7 |"]


def test_our_text_is_that_of_trafilatura_but_cleaned() -> None:
    html = f"<html><body><article><h1>T</h1><p>{WORDS * 5}</p>{TABLE}<ul><li>one<li>two</ul></body>"
    raw = trafilatura.extract(html, include_comments=False, include_tables=True)
    assert raw
    assert read_html(html, URL).text == clean(raw)
