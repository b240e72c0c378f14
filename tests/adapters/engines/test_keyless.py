from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import ddgs
import pytest
from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

from agent.adapters.engines.keyless import Keyless
from agent.domain.question import Scope
from agent.errors import SearchFailed


class ScriptedDDGS:
    """In place of the package's class, which speaks to the whole world."""

    outcome: ClassVar[Exception | list[dict[str, Any]]] = []
    seconds: ClassVar[float] = 0
    asked: ClassVar[dict[str, Any]] = {}

    def __init__(self, timeout: int) -> None:
        assert timeout >= 1

    def text(self, **asked: object) -> list[dict[str, Any]]:
        ScriptedDDGS.asked = asked
        time.sleep(self.seconds)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(ddgs, "DDGS", ScriptedDDGS)
    return monkeypatch


async def test_results_become_hits(script: pytest.MonkeyPatch) -> None:
    found = [
        {"href": "https://example.org/a", "title": "A\ntitle", "body": "words"},
        {"href": "javascript:0", "title": "B"},
        {"title": "C"},
        {"href": "https://example.org/d", "title": None},
        {"href": "https://example.org/e"},
    ]
    script.setattr(ScriptedDDGS, "outcome", found)
    hits = await Keyless(5).search("q", limit=2, scope=Scope("zh"))
    assert [(hit.url, hit.title) for hit in hits] == [
        ("https://example.org/a", "A title"), ("https://example.org/d", "")
    ]  # fmt: skip
    assert ScriptedDDGS.asked == {
        "query": "q", "region": "cn-zh", "max_results": 2, "timelimit": None
    }  # fmt: skip


async def test_since_and_language_are_handed_on(script: pytest.MonkeyPatch) -> None:
    since = datetime.now(UTC).date() - timedelta(days=6)
    await Keyless(5).search("q", limit=2, scope=Scope("sv", since))
    assert (ScriptedDDGS.asked["timelimit"], ScriptedDDGS.asked["region"]) == ("w", "us-sv")
    await Keyless(5).search("q", limit=2, scope=Scope("en", date(2000, 1, 1)))
    assert (ScriptedDDGS.asked["timelimit"], ScriptedDDGS.asked["region"]) == (None, "us-en")


async def test_sites_are_asked_for_in_words_and_held_to(script: pytest.MonkeyPatch) -> None:
    found = [{"href": "https://a.org/1"}, {"href": "https://b.org/2"}]
    script.setattr(ScriptedDDGS, "outcome", found)
    hits = await Keyless(5).search("q", limit=2, scope=Scope(only_sites=("b.org",)))
    assert [hit.url for hit in hits] == ["https://b.org/2"]
    assert ScriptedDDGS.asked["query"] == "q site:b.org"


async def test_no_results_are_an_empty_list(script: pytest.MonkeyPatch) -> None:
    script.setattr(ScriptedDDGS, "outcome", DDGSException("No results found."))
    assert await Keyless(5).search("q", limit=2, scope=Scope()) == []


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (RatelimitException("202"), "asked too often"),
        (TimeoutException("timed out"), "ddgs failed: timed out"),
        (DDGSException("no route"), "ddgs failed: no route"),
    ],
)
async def test_a_failure_is_never_an_empty_list(
    script: pytest.MonkeyPatch, outcome: Exception, said: str
) -> None:
    script.setattr(ScriptedDDGS, "outcome", outcome)
    with pytest.raises(SearchFailed, match=said):
        await Keyless(5).search("q", limit=2, scope=Scope())


async def test_a_search_that_hangs_ends_at_its_deadline(script: pytest.MonkeyPatch) -> None:
    script.setattr(ScriptedDDGS, "seconds", 0.5)
    with pytest.raises(SearchFailed, match=r"no answer in 0\.1 s"):
        await Keyless(0.1).search("q", limit=2, scope=Scope())


async def test_the_package_itself_fails_aloud_where_there_is_no_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DDGS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(SearchFailed, match="ddgs failed"):
        await Keyless(4).search("long context", limit=2, scope=Scope())
