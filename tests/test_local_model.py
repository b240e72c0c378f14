"""The whole pipeline against any model: an honest report, or an honest nothing.

Against one that talks nonsense, and one that is slow, always; against a real one if TEST_MODEL_URL
names a server that speaks Chat Completions (with TEST_MODEL, TEST_MODEL_KEY and TEST_MODEL_CONTEXT,
if they matter).
"""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent import research
from agent.adapters.extractive import completion
from agent.checking import check
from agent.demo.world import DemoWorld
from agent.domain.question import Question
from agent.domain.report import Report
from agent.settings import read_settings
from gateway_client.testing import Asked, Reply, ScriptedGateway

URL = os.environ.get("TEST_MODEL_URL", "")
SILENCE = 1.5
REAL_WINDOW = 6_000
NONSENSE = (
    "<think>What would a report be?</think> I am only a small model, and I like birds.",
    '{"sections": [{"title": "All", "claims": [{"sentence": "Birds cost 7.",',
    "```json\n[]\n```",
    "",
    '{"restated": 5, "sub_questions": "many", "claims": null, "sentences": [[]]}',
    "See https://invented.example/[1] for all of it. " * 40,
)


@pytest.fixture(
    params=[
        "nonsense",
        pytest.param(
            "real",
            marks=pytest.mark.skipif(not URL, reason="TEST_MODEL_URL names no server to try"),
        ),
    ]
)
async def model(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    name = os.environ.get("TEST_MODEL", "small")
    chance = random.Random(7)  # noqa: S311 - no secret

    def babble(_: Asked) -> Reply:
        return Reply(chance.choice(NONSENSE))

    async with ScriptedGateway(babble) as babbling:
        config = tmp_path / "gateway.toml"
        real = request.param == "real"
        window = int(os.environ.get("TEST_MODEL_CONTEXT", "8192"))
        key = 'keys = ["env:TEST_MODEL_KEY"]' if real and "TEST_MODEL_KEY" in os.environ else ""
        config.write_text(
            f'[[endpoint]]\nname = "it"\nbase_url = "{URL if real else babbling.base_url}"\n{key}\n'
            f'[tiers]\nlight = ["{name}"]\ndeep = ["{name}"]\nlong = ["{name}"]\n'
            f'[models."{name}"]\ncontext = {window}\nmax_output = {window // 4}\n'
            "input_usd_per_million = 0\noutput_usd_per_million = 0\n"
            "[policy]\nread_seconds = 1800\ndeadline_seconds = 1800\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("GATEWAY_CONFIG", str(config))
        yield


@pytest.mark.usefixtures("model")
async def test_whatever_the_model_says_the_report_is_honest(tmp_path: Path) -> None:
    report, folder = await reported(tmp_path)
    assert report.run.status in {"complete", "partial", "empty"}
    assert (report.run.status == "empty") is not bool(report.claims)
    assert check(folder).breaches == ()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 'href="https://invented.example' not in page
    assert "<think>" not in page
    assert report.usage.calls > 0


async def test_a_model_may_take_longer_than_any_silence_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(asked: Asked) -> Reply:
        made: Any = completion(asked.payload)
        text = made["choices"][0]["message"]["content"]
        return Reply(text, pace=1.5 * SILENCE / len(text.split()))

    config = tmp_path / "gateway.toml"
    async with ScriptedGateway(slowly) as slow:
        config.write_text(
            f'[[endpoint]]\nname = "it"\nbase_url = "{slow.base_url}"\n'
            '[tiers]\nlight = ["small"]\ndeep = ["small"]\nlong = ["small"]\n'
            f"[policy]\nread_seconds = {SILENCE}\ndeadline_seconds = {SILENCE}\n"
            f"first_content_seconds = {SILENCE}\nidle_seconds = {SILENCE}\nattempts = 1\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("GATEWAY_CONFIG", str(config))
        report, _ = await reported(tmp_path)
    assert report.run.status == "complete"
    assert report.failures == ()
    assert (report.run.finished - report.run.started).total_seconds() > 4 * 1.5 * SILENCE


@pytest.mark.parametrize("says", [True, False], ids=["it says so", "it does not say how much"])
async def test_a_window_may_be_smaller_than_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, says: bool
) -> None:
    def small(asked: Asked) -> Reply:
        tokens = len(asked.prompt) // 3
        if tokens > REAL_WINDOW:
            refused.append(tokens)
            told = f" ({tokens} tokens of {REAL_WINDOW})" if says else ""
            return Reply.failure(400, f"the prompt exceeds the context size{told}")
        made: Any = completion(asked.payload)
        return Reply(made["choices"][0]["message"]["content"], usage=False)

    refused: list[int] = []
    async with ScriptedGateway(small) as server:
        monkeypatch.setenv("GATEWAY_BASE_URL", server.base_url)
        monkeypatch.setenv("GATEWAY_MODEL", "small")
        report, folder = await reported(tmp_path)
    assert refused
    assert report.run.status == "complete"
    assert report.claims
    assert check(folder).breaches == ()
    assert any("too many for a window" in failure.why for failure in report.failures)


async def reported(tmp_path: Path) -> tuple[Report, Path]:
    """Return a report on the demo world, and where it is."""
    async with DemoWorld() as world:
        settings = read_settings(
            out=tmp_path / "runs",
            engines=("searxng", "arxiv"),
            searxng_url=world.searxng_url,
            arxiv_url=world.arxiv_url,
            allow_hosts=frozenset({world.host}),
            cached=False,
            pages=3,
        )
        question = Question("Do long context windows replace retrieval?", depth=1)
        report = await research(question, settings=settings)
    return report, settings.out / report.run.id
