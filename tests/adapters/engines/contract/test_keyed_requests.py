"""What the engines with keys ask, each in its own way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agent.domain.question import Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.adapters.engines.contract.conftest import Contract

    Named = Callable[[str], AbstractAsyncContextManager[Contract]]

NARROW = Scope("zh", date(2024, 3, 4), date(2024, 12, 31), ("a.org", "b.org"), ("x.a.org",))
IN_WORDS = "q (site:a.org OR site:b.org) -site:x.a.org"


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        (
            "tavily",
            {
                "query": "q",
                "max_results": 7,
                "start_date": "2024-03-04",
                "end_date": "2024-12-31",
                "include_domains": ["a.org", "b.org"],
                "exclude_domains": ["x.a.org"],
            },
        ),
        (
            "brave",
            {
                "q": IN_WORDS,
                "count": "7",
                "search_lang": "zh-hans",
                "freshness": "2024-03-04to2024-12-31",
                "result_filter": "web",
                "text_decorations": "false",
            },
        ),
        (
            "serper",
            {
                "q": IN_WORDS,
                "num": 7,
                "hl": "zh-cn",
                "gl": "cn",
                "tbs": "cdr:1,cd_min:3/4/2024,cd_max:12/31/2024",
            },
        ),
        (
            "exa",
            {
                "query": "q",
                "type": "auto",
                "numResults": 7,
                "startPublishedDate": "2024-03-04T00:00:00.000Z",
                "endPublishedDate": "2024-12-31T23:59:59.999Z",
                "includeDomains": ["a.org", "b.org"],
            },
        ),
    ],
)
async def test_a_narrow_scope_is_asked_for_in_the_engines_own_way(
    named: Named, name: str, asked: dict[str, Any]
) -> None:
    async with named(name) as contract:
        contract.finds()
        await contract.urls(NARROW, limit=7)
        (request,) = contract.service.requests
    assert request.asked == asked
    assert request.method == ("GET" if name == "brave" else "POST")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("tavily", {"query": "q", "max_results": 20}),
        (
            "brave",
            {"q": "q", "count": "20", "result_filter": "web", "text_decorations": "false"},
        ),
        ("serper", {"q": "q", "num": 100, "hl": "tlh"}),
        ("exa", {"query": "q", "type": "auto", "numResults": 100}),
    ],
)
async def test_what_is_not_wanted_or_not_offered_is_not_asked_for(
    named: Named, name: str, asked: dict[str, Any]
) -> None:
    async with named(name) as contract:
        contract.finds()
        await contract.urls(Scope("tlh"), limit=500)
        (request,) = contract.service.requests
    assert request.asked == asked


@pytest.mark.parametrize(
    ("name", "header", "value"),
    [
        ("tavily", "authorization", "Bearer sk-very-secret"),
        ("brave", "x-subscription-token", "sk-very-secret"),
        ("serper", "x-api-key", "sk-very-secret"),
        ("exa", "x-api-key", "sk-very-secret"),
    ],
)
async def test_the_key_is_sent_where_it_is_expected(
    named: Named, name: str, header: str, value: str
) -> None:
    async with named(name) as contract:
        contract.finds()
        await contract.urls()
        assert contract.service.requests[0].headers[header] == value


async def test_a_range_with_one_end_is_closed_or_left_open(named: Named) -> None:
    day, today = date(2024, 3, 4), datetime.now(UTC).date()
    async with named("brave") as contract:
        contract.finds()
        await contract.urls(Scope(since=day))
        await contract.urls(Scope(until=day))
        ranges = [request.asked["freshness"] for request in contract.service.requests]
    assert ranges == [f"2024-03-04to{today}", "1970-01-01to2024-03-04"]


async def test_google_takes_a_range_with_one_end(named: Named) -> None:
    day = date(2024, 3, 4)
    async with named("serper") as contract:
        contract.finds()
        await contract.urls(Scope(since=day))
        await contract.urls(Scope(until=day))
        ranges = [request.asked["tbs"] for request in contract.service.requests]
    assert ranges == ["cdr:1,cd_min:3/4/2024", "cdr:1,cd_max:3/4/2024"]


async def test_exa_is_told_what_to_leave_out_unless_it_is_told_what_to_keep(named: Named) -> None:
    async with named("exa") as contract:
        contract.finds()
        await contract.urls(Scope(without_sites=("x.org",)))
        assert contract.service.requests[0].asked["excludeDomains"] == ["x.org"]
