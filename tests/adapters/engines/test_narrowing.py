from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.engines.narrowing import admitted, narrowest, with_sites
from agent.adapters.engines.published import published
from agent.domain.evidence import Hit
from agent.domain.question import Scope

NOW = datetime(2024, 3, 5, 1, 30, tzinfo=UTC)
DAYS = st.none() | st.dates(date(2020, 1, 1), date(2020, 1, 9))
SITES = st.lists(st.sampled_from(["a.org", "b.org", "x.a.org"]), max_size=2).map(tuple)
SCOPES = st.builds(Scope, since=DAYS, until=DAYS, only_sites=SITES, without_sites=SITES)
URLS = st.sampled_from(["https://a.org/1", "http://x.a.org/2", "https://b.org", "ftp://a.org"])
HITS = st.lists(
    st.builds(Hit, kind=st.just("web"), url=URLS | st.text(), title=st.just(""), published=DAYS)
)


@given(HITS, SCOPES, st.integers(0, 5))
def test_what_is_admitted_is_within_the_scope_and_each_once(
    hits: list[Hit], scope: Scope, limit: int
) -> None:
    left = admitted(hits, scope, limit)
    assert len(left) <= limit
    assert len({hit.url for hit in left}) == len(left)
    for hit in left:
        assert hit in hits
        assert hit.url.startswith(("http://", "https://"))
        assert scope.admits(hit.url)
        assert scope.covers(hit.published)


@given(HITS, SCOPES)
def test_nothing_within_the_scope_is_lost(hits: list[Hit], scope: Scope) -> None:
    left = {hit.url for hit in admitted(hits, scope, 99)}
    for hit in hits:
        if hit.url.startswith("https://a.org") and scope.admits(hit.url):
            assert not scope.covers(hit.published) or hit.url in left


@pytest.mark.parametrize(
    ("scope", "query"),
    [
        (Scope(), "q"),
        (Scope(only_sites=("a.org",)), "q site:a.org"),
        (Scope(only_sites=("a.org", "b.org")), "q (site:a.org OR site:b.org)"),
        (Scope(without_sites=("a.org", "b.org")), "q -site:a.org -site:b.org"),
    ],
)
def test_sites_are_said_in_operators(scope: Scope, query: str) -> None:
    assert with_sites("q", scope) == query


def test_the_narrowest_range_that_reaches_back_is_chosen() -> None:
    today = datetime.now(UTC).date()
    ranges = {7: "week", 30: "month"}
    assert narrowest(ranges, None) is None
    assert narrowest(ranges, today - timedelta(days=7)) == "week"
    assert narrowest(ranges, today - timedelta(days=8)) == "month"
    assert narrowest(ranges, today - timedelta(days=31)) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-03-04", date(2024, 3, 4)),
        ("2024-03-04T23:00:00.000Z", date(2024, 3, 4)),
        ("Mar 4, 2024", date(2024, 3, 4)),
        ("March 4, 2024", date(2024, 3, 4)),
        ("4 Mar 2024", date(2024, 3, 4)),
        ("4. March 2024", date(2024, 3, 4)),
        ("Mon, 04 Mar 2024 10:00:00 GMT", date(2024, 3, 4)),
        ("3 days ago", date(2024, 3, 2)),
        ("1 day ago", date(2024, 3, 4)),
        ("2 hours ago", date(2024, 3, 4)),
        ("30 mins ago", date(2024, 3, 5)),
    ],
)
def test_days_are_read_as_engines_print_them(text: str, day: date) -> None:
    assert published(text, NOW) == day


@pytest.mark.parametrize(
    "text",
    ["", None, 3, "2 weeks ago", "1 month ago", "2024", "March 2024", "Foo 3, 2024", "Feb 30, 2024",
     "yesterday", "9999 days ago", "2024-13-01", "Mon, 99 Mar 2024 10:00:00 GMT"],
)  # fmt: skip
def test_what_is_no_day_is_not_made_one(text: object) -> None:
    assert published(text, NOW) is None


@given(st.text())
def test_no_text_breaks_the_reading_of_days(text: str) -> None:
    assert published(text, NOW) is None or isinstance(published(text, NOW), date)
