import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.evidence import Hit, Publication
from agent.domain.fusion import Found, Ranking, fuse, merged


def page(name: str) -> Hit:
    return Hit("web", f"https://{name}.example/", name)


def test_the_score_is_the_sum_of_the_reciprocal_ranks() -> None:
    one, two, three = page("one"), page("two"), page("three")
    found = fuse([Ranking("a", "q", (one, two)), Ranking("b", "q", (two, three))])
    assert [candidate.hit for candidate in found] == [two, one, three]
    assert found[0].score == pytest.approx(1 / 62 + 1 / 61)
    assert found[0].found_by == (Found("a", "q", 2), Found("b", "q", 1))


def test_a_work_listed_twice_for_one_query_counts_once_with_its_best_rank() -> None:
    twice = (page("one"), page("two"), Hit("web", "http://www.one.example/?utm_source=x", "one"))
    found = fuse([Ranking("a", "q", twice)])
    assert [candidate.hit.title for candidate in found] == ["one", "two"]
    assert found[0].found_by == (Found("a", "q", 1),)


def test_hits_of_one_work_fill_each_other_up() -> None:
    preprint = Hit(
        "arxiv", "https://arxiv.org/abs/2401.01234", "Cranes",
        read_urls=("https://arxiv.org/pdf/2401.01234v2",),
        abstract="Short.", publication=Publication(arxiv_id="2401.01234"),
    )  # fmt: skip
    journal = Hit(
        "scholar", "https://doi.org/10.1000/C7", "CRANES",
        authors=("Ada Lund",), published=date(2024, 5, 1),
        read_urls=("https://journal.example/7.pdf",),
        abstract="A longer abstract.",
        publication=Publication(doi="10.1000/c7", arxiv_id="2401.01234", citations=4,
                                retracted=True),
    )  # fmt: skip
    mirror = Hit("web", "https://journal.example/7.pdf", "Cranes (pdf)", snippet="… balance …")
    (found,) = fuse([Ranking(hit.title, "q", (hit,)) for hit in (mirror, journal, preprint)])
    assert (found.hit.kind, found.hit.url, found.hit.title) == ("arxiv", preprint.url, "Cranes")
    assert found.hit.read_urls == preprint.read_urls + journal.read_urls
    assert found.hit.abstract == "A longer abstract."
    assert found.hit.snippet == "… balance …"
    assert found.hit.authors == ("Ada Lund",)
    assert found.hit.published == date(2024, 5, 1)
    assert found.hit.publication == Publication(
        "10.1000/c7", "2401.01234", citations=4, retracted=True
    )
    assert len(found.found_by) == 3


def test_citations_nobody_counted_are_not_none_cited() -> None:
    hits = [Hit("scholar", "u", "t", publication=Publication(citations=n)) for n in (None, 0)]
    assert merged(hits[:1]).publication.citations is None
    assert merged(hits).publication.citations == 0


def test_nothing_found_is_nothing() -> None:
    assert fuse([]) == fuse([Ranking("a", "q", ())]) == ()


HITS = st.builds(
    Hit,
    st.sampled_from(["web", "arxiv", "scholar", "corpus"]),
    st.sampled_from([f"https://{name}.example/" for name in "abcde"]),
    st.sampled_from(["one", "two"]),
    publication=st.builds(Publication, doi=st.sampled_from(["", "10.1000/x", "10.1000/y"])),
)
RANKINGS = st.lists(
    st.builds(Ranking, st.sampled_from("ab"), st.sampled_from("pq"), st.lists(HITS).map(tuple)),
    max_size=5,
)


@given(RANKINGS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(
    rankings: list[Ranking], chance: random.Random
) -> None:
    found = fuse(rankings)
    mixed = list(rankings)
    chance.shuffle(mixed)
    assert fuse(mixed) == found
    assert [candidate.score for candidate in found] == sorted(
        (candidate.score for candidate in found), reverse=True
    )
    urls = {hit.url for ranking in rankings for hit in ranking.hits}
    assert {candidate.hit.url for candidate in found} <= urls
    assert all(candidate.found_by for candidate in found)
