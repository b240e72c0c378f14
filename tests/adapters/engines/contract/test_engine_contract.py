"""What holds of every engine; which those are is told by CASES in conftest.py."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from agent.domain.question import Scope
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from tests.adapters.engines.contract.conftest import Contract

A, B = "https://example.org/a", "http://sub.example.com/b"
MARCH = date(2024, 3, 4)
EVERY_OTHER = 'it\'s "quoted"'


async def test_results_become_hits_in_their_order(contract: Contract) -> None:
    contract.finds({"url": A, "day": MARCH}, {"url": B, "title": EVERY_OTHER})
    one, other = await contract.engine.search("long context", limit=5, scope=Scope("zh"))
    assert (one.url, other.url) == (A, B)
    assert (one.title, other.title) == ("A title", EVERY_OTHER)
    assert one.snippet in {"Some words", ""}
    assert one.published == (MARCH if contract.tells_days else None)
    assert other.published is None
    assert one.kind == other.kind == contract.engine.kind


async def test_only_addresses_on_the_web_become_hits(contract: Contract) -> None:
    odd = (
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://example.org/",
        "notes.txt",
        "//x.org",
    )
    broken = ("http://[::1", "https://", "http:// example.org", "")
    contract.finds(*({"url": url} for url in (*odd, *broken, A)))
    assert await contract.urls(limit=20) == [A]


async def test_no_more_hits_than_asked_for_and_each_address_once(contract: Contract) -> None:
    contract.finds(*({"url": url} for url in (A, A, B, A, "https://example.org/c")))
    assert await contract.urls(limit=2) == [A, B]


async def test_what_an_engine_sends_from_other_sites_is_left_out(contract: Contract) -> None:
    contract.finds({"url": A}, {"url": B}, {"url": "https://myexample.org/"})
    assert await contract.urls(Scope(only_sites=("example.org",))) == [A]
    assert await contract.urls(Scope(only_sites=("example.com", "example.org"))) == [A, B]
    assert await contract.urls(Scope(without_sites=("example.com", "myexample.org"))) == [A]


async def test_what_an_engine_sends_of_other_days_is_left_out(contract: Contract) -> None:
    days = {A: date(2024, 3, 3), B: MARCH, "https://c.example/": date(2024, 3, 5)}
    undated = "https://d.example/"
    contract.finds(*({"url": url, "day": day} for url, day in days.items()), {"url": undated})
    left = [B, undated] if contract.tells_days else [*days, undated]
    assert await contract.urls(Scope(since=MARCH, until=MARCH)) == left


async def test_nothing_found_is_no_hits_and_no_failure(contract: Contract) -> None:
    contract.finds()
    assert await contract.urls() == []


@pytest.mark.parametrize("body", ["<html>maintenance</html>", "", "[1]", "null", "{}", '{"a": 1}'])
async def test_an_answer_in_no_known_form_is_a_failure(over_http: Contract, body: str) -> None:
    over_http.answers({"body": body})
    with pytest.raises(SearchFailed, match=r"did not answer|answered without a list"):
        await over_http.urls()


@pytest.mark.parametrize("odd", [None, 3, True, "text", [], {}, [None, 3], {"url": 3}])
async def test_odd_values_within_an_answer_break_nothing(over_http: Contract, odd: object) -> None:
    over_http.finds({"url": A})
    whole = json.loads(over_http.service.answers[0].body)
    results = whole.get("results") or whole.get("organic") or whole["web"]["results"]
    good = dict(results[0])
    results[:0] = [odd, {**dict.fromkeys(good, odd), "url": A, "link": A}, dict.fromkeys(good, odd)]
    over_http.answers({"body": json.dumps(whole)})
    assert await over_http.urls() == [A]


@pytest.mark.parametrize("hanging", [{"after": 5}, {"drip": True}])
async def test_a_service_that_hangs_or_drips_ends_at_the_deadline(
    over_http: Contract, hanging: dict[str, object]
) -> None:
    over_http.answers(hanging)
    with pytest.raises(SearchFailed, match="in time - raise DEEP_RESEARCH_SEARCH_SECONDS"):
        await over_http.urls()
    assert len(over_http.service.requests) == 1


@pytest.mark.parametrize("passing", [{"drop": True}, {"status": 503}, {"status": 500}])
async def test_a_service_that_stumbles_is_asked_once_more(
    over_http: Contract, passing: dict[str, object]
) -> None:
    over_http.finds({"url": A})
    over_http.answers(passing, {"body": over_http.service.answers[0].body})
    assert await over_http.urls() == [A]


async def test_a_service_that_keeps_stumbling_is_a_failure(over_http: Contract) -> None:
    over_http.answers({"status": 502, "headers": {"Retry-After": "0"}})
    with pytest.raises(SearchFailed, match="answered 502"):
        await over_http.urls()
    assert len(over_http.service.requests) == 2


async def test_a_short_wait_is_waited_for(over_http: Contract) -> None:
    over_http.finds({"url": A})
    busy = {"status": 429, "headers": {"Retry-After": "0"}}
    over_http.answers(busy, {"body": over_http.service.answers[0].body})
    assert await over_http.urls() == [A]


async def test_a_long_wait_is_told_and_not_waited_for(over_http: Contract) -> None:
    over_http.answers({"status": 429, "headers": {"Retry-After": "3600"}})
    with pytest.raises(SearchFailed, match=r"answered 429 and asked to wait 3600 s"):
        await over_http.urls()
    assert len(over_http.service.requests) == 1


async def test_a_wait_of_unknown_length_is_not_guessed(over_http: Contract) -> None:
    over_http.answers({"status": 429})
    with pytest.raises(SearchFailed, match=r"answered 429 - wait"):
        await over_http.urls()
    assert len(over_http.service.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_names_its_variable(keyed: tuple[Contract, str], status: int) -> None:
    contract, variable = keyed
    contract.answers({"status": status})
    with pytest.raises(SearchFailed, match=f"answered {status} - check {variable}"):
        await contract.urls()


@pytest.mark.parametrize("status", [402, 432, 433])
async def test_a_plan_that_is_used_up_says_so(keyed: tuple[Contract, str], status: int) -> None:
    contract, variable = keyed
    contract.answers({"status": status, "body": '{"detail": {"error": "Over  the limit"}}'})
    said = rf"answered {status} \(Over the limit\) - raise the plan's limit .* {variable}"
    with pytest.raises(SearchFailed, match=said):
        await contract.urls()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "Slow down"}', "Slow down"),
        ('{"message": "Not enough credits"}', "Not enough credits"),
        ('{"error": {"code": "X", "detail": "No such plan"}}', "No such plan"),
        ('{"detail": {"error": "Over"}}', "Over"),
    ],
)
async def test_a_refusal_is_told_in_the_services_words(
    over_http: Contract, body: str, said: str
) -> None:
    over_http.answers({"status": 400, "body": body})
    with pytest.raises(SearchFailed, match=rf"answered 400 \({said}\)"):
        await over_http.urls()


@pytest.mark.parametrize("body", ["[]", "3", '{"error": 3}', '{"error": ' * 400 + "1" + "}" * 400])
async def test_a_refusal_without_words_is_one_all_the_same(over_http: Contract, body: str) -> None:
    over_http.answers({"status": 400, "body": body})
    with pytest.raises(SearchFailed, match=r"answered 400($| - )"):
        await over_http.urls()


async def test_a_key_is_never_told(keyed: tuple[Contract, str]) -> None:
    contract, _ = keyed
    assert any("sk-very-secret" in value for value in await _headers(contract))
    contract.answers({"status": 401, "body": '{"error": {"message": "no key sk-very-secret"}}'})
    with pytest.raises(SearchFailed, match=r"no key \(the key\)") as caught:
        await contract.urls()
    told = f"{caught.value} {contract.engine!r} {vars(contract.engine)!r}"
    assert "sk-very-secret" not in told


async def test_a_key_is_not_carried_to_another_host(keyed: tuple[Contract, str]) -> None:
    contract, _ = keyed
    elsewhere = {"Location": contract.service.address + "/elsewhere"}
    contract.answers({"status": 307, "headers": elsewhere})
    with pytest.raises(SearchFailed, match="answered 307"):
        await contract.urls()
    assert len(contract.service.requests) == 1


async def _headers(contract: Contract) -> list[str]:
    contract.finds()
    await contract.urls()
    return [*contract.service.requests[-1].headers.values()]
