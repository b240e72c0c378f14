import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_client.catalog import Budget, Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.errors import BudgetSpent, JournalDamaged, JournalLost, JournalUnwritable
from gateway_client.families import last_word
from gateway_client.journal import Journal
from gateway_client.ledger import Entry
from gateway_client.testing import Asked, Reply, ScriptedGateway

PRICE = Decimal(1_000)  # a dollar for a thousand tokens


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    def numbered(asked: Asked) -> Reply:
        if asked.prompt == "refused":
            return Reply.failure(400)
        return Reply(f"answer {len(made.asked)}")

    async with ScriptedGateway(numbered) as made:
        yield made


def client(
    gateway: ScriptedGateway, journal: Journal, budget: Budget | None = None
) -> GatewayClient:
    model = Model("m", input_usd_per_million=PRICE, output_usd_per_million=PRICE)
    config = Config(
        endpoints=(Endpoint("e", gateway.base_url),),
        tiers={"light": ("m",), "deep": ("m",), "long": ("m",)},
        models={"m": model},
        policy=Policy(),
        budget=budget or Budget(),
    )
    return GatewayClient(config, journal=journal)


async def test_a_repeated_step_is_answered_from_the_journal_and_paid_once(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    totals = []
    for _ in range(2):
        journal = Journal(tmp_path / "journal.sqlite")
        async with client(gateway, journal) as asking:
            await asking.begin("one", "")
            assert await asking.complete("hello", task="write") == "answer 1"
            totals.append(asking.ledger.totals())
        journal.close()
    assert len(gateway.asked) == 1
    assert totals[0] == totals[1]
    assert totals[0].usd > 0


async def test_the_same_request_twice_is_two_calls_then_and_later(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    async with client(gateway, journal) as asking:
        await journal.begin("one", "")
        assert [await asking.complete("hello") for _ in range(2)] == ["answer 1", "answer 2"]
    journal.close()
    journal = Journal(tmp_path / "journal.sqlite")
    async with client(gateway, journal) as asking:
        await journal.begin("one", "")
        answers = [await asking.complete("hello") for _ in range(3)]
    journal.close()
    assert answers == ["answer 1", "answer 2", "answer 3"]
    assert len(gateway.asked) == 3


async def test_sums_grow_in_a_repeated_step_as_they_did_at_first(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    seen = []
    for _ in range(2):
        journal = Journal(tmp_path / "journal.sqlite")
        async with client(gateway, journal) as asking:
            await asking.begin("one", "")
            calls = [asking.ledger.totals().calls]
            for step in ("one", "two"):
                await asking.begin(step, "")
                await asking.complete("hello")
                calls.append(asking.ledger.totals().calls)
            await journal.charge([Entry("", "m", "e", "k", 1, 0, 0, None, estimated=True)])
            seen.append(calls)
        journal.close()
    assert seen == [[0, 1, 2], [0, 1, 3]]  # what brought no reply counts from its step on
    assert len(gateway.asked) == 2


async def test_another_step_asks_anew(gateway: ScriptedGateway, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    async with client(gateway, journal) as asking:
        for step, answer in (("one", "answer 1"), ("two", "answer 2"), ("one", "answer 1")):
            await journal.begin(step, "")
            assert await asking.complete("hello") == answer
    journal.close()


async def test_refusals_and_streams_are_not_kept(gateway: ScriptedGateway, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    async with client(gateway, journal) as asking:
        await journal.begin("one", "")
        for _ in range(2):
            with pytest.raises(Exception, match="refused the request"):
                await asking.complete("refused")
        stream = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stream": True}
        for _ in range(2):
            response = await asking.http_client.post(
                "http://gateway.invalid/v1/chat/completions", json=stream
            )
            assert "answer" in response.text
    journal.close()
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    assert database.execute("SELECT count(*) FROM replies").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM entries").fetchone() == (2,)  # streams are paid
    database.close()


async def test_what_was_paid_before_counts_against_the_budget(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    async with client(gateway, journal) as asking:
        await asking.complete("hello", max_tokens=1)
    journal.close()
    spent = gateway.counted[0] + gateway.counted[1]
    journal = Journal(tmp_path / "journal.sqlite")
    async with client(gateway, journal, Budget(tokens=spent + 2)) as asking:
        with pytest.raises(BudgetSpent):
            await asking.complete("hello again", max_tokens=1)
    journal.close()
    assert len(gateway.asked) == 1


async def test_no_key_is_in_the_journal(gateway: ScriptedGateway, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    config = Config.from_environment(
        {"GATEWAY_BASE_URL": gateway.base_url, "GATEWAY_API_KEY": "sk-canary"}
    )
    assert config is not None
    async with GatewayClient(config, journal=journal) as asking:
        await asking.complete("hello")
    journal.close()
    assert gateway.asked[0].key == "sk-canary"
    assert b"sk-canary" not in (tmp_path / "journal.sqlite").read_bytes()


async def test_a_step_that_is_repeated_has_the_note_it_was_begun_with(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    assert await journal.begin("one", "knows nothing") == "knows nothing"
    journal.close()
    journal = Journal(tmp_path / "journal.sqlite")
    assert await journal.begin("one", "knows much") == "knows nothing"
    journal.close()


async def test_a_file_that_is_no_journal_and_one_that_cannot_be_made_are_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "text").write_text("a text that is longer than the header of a database " * 9)
    with pytest.raises(JournalDamaged, match="text cannot be read"):
        Journal(tmp_path / "text")
    with pytest.raises(JournalUnwritable, match="nowhere"):
        Journal(tmp_path / "nowhere" / "journal.sqlite")


ENTRIES = st.builds(
    Entry,
    task=st.text(max_size=9),
    model=st.text(max_size=9),
    endpoint=st.text(max_size=9),
    key=st.just("k"),
    input_tokens=st.integers(0, 10**9),
    output_tokens=st.integers(0, 10**9),
    cached_tokens=st.integers(0, 10**9),
    usd=st.none() | st.decimals(0, 1000, places=9),
    estimated=st.booleans(),
)


@settings(max_examples=25)
@given(st.lists(ENTRIES, max_size=5), st.lists(st.binary(max_size=9), max_size=8))
def test_what_is_kept_comes_back_in_its_order_whoever_opens_the_journal(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], requests: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"

    async def keep(journal: Journal) -> None:
        await journal.begin("one", "")
        for number, request in enumerate(requests):
            await journal.keep(journal.place(request), b"%d" % number, entries[number:][:1])
        await journal.charge(entries[len(requests) :])

    async def recalled(journal: Journal) -> list[bytes]:
        await journal.begin("one", "")
        kept = [await journal.recall(journal.place(request)) for request in requests]
        return [one.reply for one in kept if one]

    journal = Journal(path)
    asyncio.run(keep(journal))
    journal.close()
    journal = Journal(path)
    assert journal.entries() == tuple(entries)
    assert asyncio.run(recalled(journal)) == [b"%d" % n for n in range(len(requests))]
    assert asyncio.run(recalled(journal)) == [b"%d" % n for n in range(len(requests))]
    journal.close()


def test_a_reply_comes_back_as_it_was() -> None:
    from gateway_client.families.journalling import _reply, _response

    body = '{"text": "two\nlines, ÿ"}'.encode()
    headers = {"content-type": "application/json", "x-gw-model": "m", "set-cookie": "no"}
    back = _response(_reply(httpx2.Response(200, headers=headers, content=body)))
    assert (back.status_code, back.content) == (200, body)
    assert back.headers["x-gw-model"] == "m"
    assert "set-cookie" not in back.headers


class LostAfter(Journal):
    """A journal of work that others take over after so many requests."""

    def __init__(self, path: Path, requests: int) -> None:
        super().__init__(path)
        self._left = requests

    async def announce(self) -> None:
        if self._left == 0:
            raise JournalLost("taken over")
        self._left -= 1


@pytest.mark.parametrize("requests", [0, 1, 2])
async def test_nothing_is_sent_or_tried_again_once_others_have_taken_over(
    tmp_path: Path, requests: int
) -> None:
    async with ScriptedGateway([Reply.failure(503)]) as failing:
        with closing(LostAfter(tmp_path / "journal.sqlite", requests)) as journal:
            async with client(failing, journal) as asking:
                await asking.begin("one", "")
                with pytest.raises(JournalLost):
                    await asking.complete("hello")
        assert len(failing.asked) == requests


async def test_what_was_announced_long_before_it_leaves_is_announced_again(
    gateway: ScriptedGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aiohttp import TCPConnector

    connect = TCPConnector.connect

    async def sleeping(*given: Any, **named: Any) -> Any:
        time.sleep(0.2)  # noqa: ASYNC251 - the whole process is stopped
        return await connect(*given, **named)

    monkeypatch.setattr(TCPConnector, "connect", sleeping)
    monkeypatch.setattr(last_word, "FRESH_SECONDS", 0.1)
    with closing(LostAfter(tmp_path / "journal.sqlite", 1)) as journal:
        async with client(gateway, journal) as asking:
            await asking.begin("one", "")
            with pytest.raises(JournalLost):
                await asking.complete("hello")
    assert gateway.asked == []
