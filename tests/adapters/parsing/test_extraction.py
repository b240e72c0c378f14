from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.adapters.parsing import pdf_text
from agent.adapters.parsing.charsets import decoded
from agent.adapters.parsing.extraction import extract
from agent.adapters.parsing.pdf_text import _without_number, reflowed
from agent.domain.text import clean
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

ARTICLE = """<!doctype html><html><head><title>{title}</title>
<meta name="author" content="Ann Lee"><meta property="article:published_time" content="2024-03-02">
</head><body><nav><a href="/">Home</a> <a href="/x">Shop</a></nav><article><h1>{title}</h1>
<p>{text}</p><table><tr><td>Cost</td><td>42</td></tr></table></article>
<div id="comments"><p>First! What a nice page, I have to say.</p></div>
<footer><p>Cookies and more cookies.</p></footer></body></html>"""
ENGLISH = "Long inputs cost more time and money than a search does, in every test that was made."
CHINESE = "大语言模型改变了人们查找信息的方式，检索与长上下文各有所长，需要分别测量。"


def test_html_gives_its_article_and_what_it_states_of_itself() -> None:
    html = ARTICLE.format(title="Long context", text=ENGLISH)
    page = extract(html.encode(), "text/html", "https://example.org/a")
    assert (page.url, page.title) == ("https://example.org/a", "Long context")
    assert (page.authors, page.published) == (("Ann Lee",), date(2024, 3, 2))
    assert ENGLISH in page.text
    assert "Cost" in page.text
    assert "Shop" not in page.text
    assert "nice page" not in page.text
    assert "ookies" not in page.text


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "gbk", "big5"])
def test_chinese_is_read_in_the_charset_the_header_or_the_page_states(charset: str) -> None:
    text = CHINESE if charset != "big5" else "大語言模型改變了人們查找資訊的方式，需要分別測量。"
    html = ARTICLE.format(title="标题" if charset != "big5" else "標題", text=text)
    page = extract(html.encode(charset), f"text/html; charset={charset}", "https://a.org")
    assert text in page.text
    stated = html.replace("<head>", f'<head><meta charset="{charset}">').encode(charset)
    assert text in extract(stated, "text/html", "https://a.org").text


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("\ufeffé".encode(), "text/plain; charset=latin-1", "é"),
        ("é中".encode("utf-16"), "text/plain", "é中"),
        ("\ufeffé".encode("utf-16-be"), "text/plain", "\ufeffé"),
        ("“é”".encode("cp1252"), 'text/plain; charset="ISO-8859-1"', "“é”"),
        ("中文".encode("gbk"), "text/plain; charset=gb2312", "中文"),
        ("中文".encode("gb2312"), "text/plain", "中文"),
        ("un café".encode("latin-1"), "text/plain", "un café"),
        ("é".encode(), "text/plain; charset=utf-7", "é"),
        ("é".encode(), "text/plain; charset=hex", "é"),
        ("é".encode(), "text/plain; charset=no-such", "é"),
        (b"<meta charset=utf-16>abc", "text/html", "<meta charset=utf-16>abc"),
        (b"ab\xffcd", "text/plain; charset=utf-8", "ab\ufffdcd"),
    ],
)
def test_bytes_are_decoded_as_browsers_do(body: bytes, content_type: str, text: str) -> None:
    assert decoded(body, content_type).removeprefix("\ufeff") == text.removeprefix("\ufeff")


@given(st.binary(max_size=60), st.text(max_size=20))
def test_any_bytes_decode_to_something_without_raising(body: bytes, charset: str) -> None:
    decoded(body, f"text/html; charset={charset}").encode()


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            "<p> <div> </div> <table> <td> <html> <body> <!-- --> <![CDATA[ ]]> <script> &amp; "
            "<meta name=author content='\x00'> <title> <svg> text 中 \ud83d \x00 <a href='http://['>"
            " <time datetime='9999-99-99'> <ul> <li> <?xml".split(" ")
        ),
        max_size=30,
    ).map(lambda parts: " ".join(parts).encode("utf-8", "surrogatepass"))
)
def test_hostile_html_is_a_clean_page_or_unreadable_and_nothing_else(body: bytes) -> None:
    try:
        page = extract(body, "text/html", "https://example.org/")
    except PageUnreadable:
        return
    assert page.text
    assert page.text == clean(page.text)


def test_html_that_is_nested_without_measure_does_no_harm() -> None:
    body = b"<div>" * 30_000 + b"words " * 50
    with pytest.raises(PageUnreadable, match="makes no tree"):
        extract(body, "text/html", "https://example.org/")


def test_html_that_breaks_the_parser_is_unreadable() -> None:
    dates = "<math><meta name=date content='0000-00-00'><time datetime='99999-1-1'>"
    with pytest.raises(PageUnreadable, match="is broken HTML: AssertionError"):
        extract(dates.encode() + b"words " * 50, "text/html", "https://example.org/")


def test_plain_text_stays_as_it_is_and_its_first_line_is_its_title() -> None:
    page = extract(b"# Notes\r\n\r\nA line. \r\n", "text/markdown; charset=utf-8", "https://a.org")
    assert (page.title, page.text) == ("Notes", "# Notes\n\nA line.")


def test_without_a_content_type_the_content_tells() -> None:
    html = ARTICLE.format(title="T", text=ENGLISH).encode()
    assert extract(html, "", "https://a.org").title == "T"
    assert extract(b"plain words", "", "https://a.org").text == "plain words"


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"\x89PNG", "image/png", "is image/png, which is not read"),
        (b"{}", "Application/JSON; charset=utf-8", "is application/json"),
        (b"", "text/html", "no text"),
        (b"<html><body></body></html>", "text/html", "no text"),
        (b" \n ", "text/plain", "no text"),
        (b"%PDF-1.4 broken", "text/html", "cannot be opened"),
        (b"<html>log in first</html>", "application/pdf", "cannot be opened"),
    ],
)
def test_what_has_no_text_says_why(body: bytes, content_type: str, said: str) -> None:
    with pytest.raises(PageUnreadable, match=said):
        extract(body, content_type, "https://a.org")


WRAPPED = [
    "Retrieval reads little and finds much, as a study of twelve sys-",
    "tems shows. State-of-the-",
    "art models with long inputs are costly in every one of the tests.",
    "A short end.",
    "2 Method",
    "We asked 1,200 questions about reports, and counted the answers that",
    "were right.",
    "3",
]


def test_a_pdf_gives_paragraphs_and_what_it_states_of_itself(
    write_pdf: Callable[..., bytes],
) -> None:
    body = write_pdf(WRAPPED, info=b"/Title (A study) /Author (Ann Lee; Bob Ray and Cy Fox)")
    page = extract(body, "application/pdf", "https://a.org/p")
    assert (page.title, page.published) == ("A study", None)
    assert page.authors == ("Ann Lee", "Bob Ray", "Cy Fox")
    paragraph = (
        "Retrieval reads little and finds much, as a study of twelve systems shows."
        " State-of-the-art models with long inputs are costly in every one of the tests."
        " A short end."
    )
    method = "We asked 1,200 questions about reports, and counted the answers that were right."
    assert page.text.splitlines() == [paragraph, "2 Method", method]


def test_a_title_nobody_wrote_gives_way_to_the_first_line(write_pdf: Callable[..., bytes]) -> None:
    for stated in (b"", b"/Title (untitled) /Author (anonymous)", b"/Title (draft3.docx)"):
        page = extract(write_pdf(["The first line", "1"], info=stated), "application/pdf", "u")
        assert (page.title, page.authors) == ("The first line", ())


def test_lines_of_a_chinese_pdf_are_joined_without_a_space(
    write_pdf: Callable[..., bytes],
) -> None:
    lines = [
        "大语言模型改变了人们查找信息的方式，检索",
        "与长上下文各有所长，需要分别测量才能下结",
        "论。",
    ]
    page = extract(write_pdf(lines), "application/pdf", "u")
    assert page.text == "".join(lines)


def test_a_pdf_of_pictures_has_no_text(write_pdf: Callable[..., bytes]) -> None:
    with pytest.raises(PageUnreadable, match="no text"):
        extract(write_pdf([], []), "application/pdf", "u")


def test_a_locked_pdf_is_unreadable(write_pdf: Callable[..., bytes]) -> None:
    lock = (
        b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<61> <62>] /Root"
        % (b"61" * 32, b"62" * 32)
    )  # fmt: skip
    body = write_pdf(["secret"]).replace(b"/Root", lock)
    with pytest.raises(PageUnreadable, match="cannot be opened"):
        extract(body, "application/pdf", "u")


def test_a_pdf_without_end_is_not_begun(
    write_pdf: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_text, "MOST_PAGES", 2)
    with pytest.raises(PageUnreadable, match="3 pages, too many"):
        extract(write_pdf(["a"], ["b"], ["c"]), "application/pdf", "u")


def test_pdfs_can_be_read_from_many_threads(write_pdf: Callable[..., bytes]) -> None:
    bodies = [write_pdf([f"Text number {number}."] * 3) for number in range(16)]
    with ThreadPoolExecutor(8) as threads:
        read = list(threads.map(lambda body: extract(body, "", "u").text, bodies))
    assert [f"number {number}." in text for number, text in enumerate(read)] == [True] * 16


ITEMS = "Things to be said in this one:\n• one thing\n• another thing"


@pytest.mark.parametrize(
    ("pages", "text"),
    [
        ([], ""),
        (["a long\x02term plan, and long-term debt"], "a long-term plan, and long-term debt"),
        (["Bayes\x02Nash and COVID\x02\r\n19 too"], "Bayes-Nash and COVID-19 too"),
        (["it goes on over the", "- 7 -\nend of the page"], "it goes on over the end of the page"),
        ([ITEMS], ITEMS),
        (
            ["as shown by Lee et al.\nof a far away town"],
            "as shown by Lee et al. of a far away town",
        ),
        (["one\n\ntwo"], "one\n\ntwo"),
    ],
)
def test_what_the_layout_did_is_mended(pages: list[str], text: str) -> None:
    assert reflowed([_without_number(page) for page in pages]) == text


@given(st.lists(st.text("ab C.中。\n\x02-1", max_size=40), max_size=4))
def test_no_letter_is_lost_in_mending(pages: list[str]) -> None:
    letters = "".join(filter(str.isalpha, "".join(pages)))
    assert "".join(filter(str.isalpha, reflowed(pages))) == letters
