from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.identifiers import arxiv_id, doi, doi_url, pmcid, pmid


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.1038/S41586-020-2649-2", "10.1038/s41586-020-2649-2"),
        ("https://doi.org/10.1145/3442188.3445922", "10.1145/3442188.3445922"),
        ("http://dx.doi.org/10.1000%2Fxyz", "10.1000/xyz"),
        ("https://doi.org/10.1000/xyz?utm_source=x#top", "10.1000/xyz"),
        ("doi: 10.1000/xyz", "10.1000/xyz"),
        ("as shown (doi:10.1000/xyz).", "10.1000/xyz"),
        ("see https://doi.org/10.1000/xyz, and more", "10.1000/xyz"),
        ("Smith (10.1016/S0140-6736(97)11096-0); later", "10.1016/s0140-6736(97)11096-0"),
        (
            "10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O",
            "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-o",
        ),
        ("https://onlinelibrary.wiley.com/doi/full/10.1002/asi.24", "10.1002/asi.24"),
        ("https://www.frontiersin.org/articles/10.3389/fp.2020.1/full", "10.3389/fp.2020.1"),
        ("https://link.springer.com/content/pdf/10.1007/s1-2.pdf", "10.1007/s1-2"),
        (
            "https://www.biorxiv.org/content/10.1101/2020.01.30.927871v2.full.pdf",
            "10.1101/2020.01.30.927871",
        ),
        ("https://doi.org/10.48550/arXiv.2401.12345", "10.48550/arxiv.2401.12345"),
        ("version 10.1 of 2010/11", ""),
        ("10.1000/", ""),
        ("10.1000/...", ""),
        ("210.1000/xyz", ""),
        ("", ""),
    ],
)
def test_a_doi_is_found_and_written_in_one_way(text: str, found: str) -> None:
    assert doi(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2401.12345", "2401.12345"),
        ("2401.12345v3", "2401.12345"),
        ("https://arxiv.org/abs/2401.12345v2", "2401.12345"),
        ("http://export.arxiv.org/pdf/0704.0001v1.pdf", "0704.0001"),
        ("https://arxiv.org/html/2401.12345v1#S2", "2401.12345"),
        ("see arXiv:2401.12345 [cs.CL]", "2401.12345"),
        ("10.48550/arXiv.2401.12345", "2401.12345"),
        ("https://doi.org/10.48550/arxiv.hep-th%2F9901001", "hep-th/9901001"),
        ("hep-th/9901001v2", "hep-th/9901001"),
        ("https://arxiv.org/abs/math.GT/0309136", "math/0309136"),
        ("https://huggingface.co/papers/2401.12345", "2401.12345"),
        ("it cost 2401.12345 in all", ""),
        ("2413.12345", ""),
        ("2401.123456", ""),
        ("https://example.org/9901001", ""),
        ("", ""),
    ],
)
def test_an_arxiv_id_is_found_without_its_version(text: str, found: str) -> None:
    assert arxiv_id(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://pubmed.ncbi.nlm.nih.gov/32171076/", "32171076"),
        ("https://www.ncbi.nlm.nih.gov/pubmed/32171076", "32171076"),
        ("https://europepmc.org/article/MED/32171076", "32171076"),
        ("PMID: 0032171076.", "32171076"),
        ("https://pmc.ncbi.nlm.nih.gov/articles/PMC7096803/", ""),
        ("in 2020", ""),
        ("PMID:", ""),
    ],
)
def test_a_pubmed_id_is_found_where_it_is_named(text: str, found: str) -> None:
    assert pmid(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://pmc.ncbi.nlm.nih.gov/articles/PMC7096803/", "PMC7096803"),
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/pmc7096803/pdf/a.pdf", "PMC7096803"),
        ("https://pubmed.ncbi.nlm.nih.gov/32171076/", ""),
    ],
)
def test_a_pubmed_central_id_is_found(text: str, found: str) -> None:
    assert pmcid(text) == found


DOIS = st.from_regex(r"10\.[0-9]{4,9}/[a-z0-9._()/:;-]{0,20}[a-z0-9]", fullmatch=True).filter(
    lambda name: not name.startswith(("10.1101", "10.64898"))
)
NEW_IDS = st.from_regex(r"[0-9]{2}(0[1-9]|1[0-2])\.[0-9]{4,5}", fullmatch=True)
OLD_IDS = st.from_regex(r"(hep-th|cs|astro-ph)/[0-9]{2}(0[1-9]|1[0-2])[0-9]{3}", fullmatch=True)


@given(DOIS)
def test_a_doi_comes_back_from_every_dress(name: str) -> None:
    dresses = (name, name.upper(), doi_url(name), f"https://doi.org/{quote(name, safe='')}")
    assert {doi(dress) for dress in dresses} == {name}


@given(NEW_IDS | OLD_IDS, st.integers(1, 30))
def test_an_arxiv_id_comes_back_from_every_dress(name: str, version: int) -> None:
    dresses = (
        name,
        f"{name}v{version}",
        f"https://arxiv.org/abs/{name}v{version}",
        f"arXiv:{name}",
        f"https://doi.org/10.48550/arXiv.{name}",
    )
    assert {arxiv_id(dress) for dress in dresses} == {name}


@given(st.text(max_size=80) | st.text(alphabet="10./ab?()<>. doi:https", max_size=60))
def test_what_is_found_is_found_again_in_itself(text: str) -> None:
    for find in (doi, arxiv_id):
        found = find(text)
        assert find(found) == found
    assert doi(text) == doi(text).lower()
