import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.domain.canonical import arxiv_key, canonical, doi_key, site

PAGE = "https://example.com/a/story"


@pytest.mark.parametrize(
    "url",
    [
        PAGE,
        "http://example.com/a/story",
        "HTTPS://Example.COM:443/a/story/",
        "http://www.example.com:80/a/story",
        "https://m.example.com/a/story#part",
        "https://amp.example.com/a/story/amp/",
        "https://user:secret@example.com./a/story",
        "https://example.com/a/./b/../story?utm_source=x&gclid=1&fbclid=2&ref=home",
        "https://example.com/%61/st%6Fry/index.html?",
        "https://www.google.com/amp/s/www.example.com/a/story?utm_medium=mail",
        "https://example-com.cdn.ampproject.org/c/s/www.example.com/a/story",
        "https://web.archive.org/web/20250102030405/http://example.com/a/story",
        "//example.com/a/story;jsessionid=12AB",
    ],
)
def test_the_same_page_has_one_key(url: str) -> None:
    assert canonical(url) == PAGE


@pytest.mark.parametrize(
    "url",
    [
        "https://arxiv.org/abs/2401.01234",
        "http://arxiv.org/abs/2401.01234v3",
        "https://www.arxiv.org/pdf/2401.01234v2.pdf",
        "https://export.arxiv.org/pdf/2401.01234",
        "https://arxiv.org/html/2401.01234v1",
        "https://ar5iv.org/abs/2401.01234",
        "https://ar5iv.labs.arxiv.org/html/2401.01234",
        "https://doi.org/10.48550/arXiv.2401.01234",
        "arXiv:2401.01234v2",
    ],
)
def test_editions_of_a_preprint_have_one_key(url: str) -> None:
    assert canonical(url) == arxiv_key("2401.01234v9") == "https://arxiv.org/abs/2401.01234"


@pytest.mark.parametrize(
    "url",
    [
        "https://doi.org/10.1145/3377811.3380330",
        "http://dx.doi.org/10.1145/3377811.3380330",
        "https://www.doi.org/10.1145%2F3377811.3380330",
        "https://dl.acm.org/doi/abs/10.1145/3377811.3380330",
        "https://dl.acm.org/doi/10.1145/3377811.3380330?download=true",
        "doi:10.1145/3377811.3380330",
    ],
)
def test_resolvers_and_publishers_of_a_doi_have_one_key(url: str) -> None:
    assert canonical(url) == doi_key("10.1145/3377811.3380330")


def test_a_doi_has_no_case() -> None:
    assert canonical("https://doi.org/10.1000/ABC(1)2") == doi_key("10.1000/abc(1)2")


def test_pubmed_and_pmc_have_one_key_each() -> None:
    assert canonical("https://www.ncbi.nlm.nih.gov/pubmed/123/") == canonical(
        "https://pubmed.ncbi.nlm.nih.gov/123"
    )
    assert canonical("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC77/pdf/x.pdf") == canonical(
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC77/"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a", "https://example.com/b"),
        ("https://example.com/a", "https://example.com/A"),
        ("https://example.com/?id=1", "https://example.com/?id=2"),
        ("https://example.com/list?page=1", "https://example.com/list?page=2"),
        ("https://blog.example.com/", "https://example.com/"),
        ("https://example.com:8080/", "https://example.com/"),
        ("https://en.wikipedia.org/wiki/amp", "https://en.wikipedia.org/wiki"),
        ("https://arxiv.org/abs/2401.01234", "https://arxiv.org/abs/2401.01235"),
        ("https://arxiv.org/list/cs.CL/recent", "https://arxiv.org/list/cs.AI/recent"),
        ("https://m.co", "https://co"),
        ("https://example.com/a%2Fb", "https://example.com/a/b"),
    ],
)
def test_different_pages_have_different_keys(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_parameters_have_no_order_and_a_plus_is_a_space() -> None:
    assert canonical("https://example.com/s?b=2+3&a=1") == "https://example.com/s?a=1&b=2%203"


def test_a_mobile_encyclopedia_is_the_encyclopedia() -> None:
    assert canonical("https://en.m.wikipedia.org/wiki/Wind") == canonical(
        "https://en.wikipedia.org/wiki/Wind"
    )


def test_names_in_other_scripts_are_compared_in_ascii() -> None:
    key = canonical("https://BÜCHER.example/straße")
    assert key == canonical("https://xn--bcher-kva.example/stra%C3%9Fe")
    assert key.isascii()


def test_what_is_no_web_address_comes_back_trimmed() -> None:
    for text in ("", "notes.txt", "file:///tmp/notes.txt", "mailto:a@example.com", "http://[x"):
        assert canonical(f" {text} ") == text


def test_the_site_is_the_host_without_its_dress() -> None:
    assert site("http://www.news.example.com/x") == "news.example.com"
    assert not site("notes.txt")


ADDRESSES = st.builds(
    "{}{}{}/{}{}{}".format,
    st.sampled_from(["http://", "https://", "//", "HTTP://", "https://u@", ""]),
    st.sampled_from(["www.", "m.", "amp.", "en.m.", "www.m.", "web.archive.org/web/1/", ""]),
    st.sampled_from(
        ["example.com", "wikipedia.org", "arxiv.org", "doi.org", "é.fr", "[::1]", "..a"]
    ),
    st.sampled_from(["", "amp/", "abs/2401.01234v1", "10.1000/x", "a/b/amp/index.html", "pdf/"]),
    st.text(alphabet="a./%2F;+é\ud800AMP", max_size=12),
    st.sampled_from(["", "?", "?a=1&utm_x=2", "?%75tm_x=1", "?b+&a#x", "#x"]),
)


@given(st.one_of(st.text(), ADDRESSES, st.text().map("http://{}".format)))
@example("http://google.com/amp/s/" * 3_000)
@example("http://x@www.google.com/amp/s/a.example/b")
def test_a_key_is_its_own_key_and_no_string_is_refused(text: str) -> None:
    key = canonical(text)
    assert canonical(key) == key
