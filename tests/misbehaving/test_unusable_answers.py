"""Answers that are no answer: prose, half of the JSON, nothing, or another language."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import wiring
from agent.adapters.extractive import completion
from agent.demo.world import DemoWorld
from agent.settings import Settings
from agent.testing.changing import changed_script
from agent.testing.misbehaving import ANSWER_FAULTS, AnswerFault, Misbehaving
from gateway_client.testing import Asked, ScriptedGateway

if TYPE_CHECKING:
    from tests.misbehaving.conftest import Outcome

SEEDS = 3
QUESTIONS = (
    "Do long context windows replace retrieval-augmented generation?",
    "长上下文能取代检索增强生成吗？",
)
UNUSABLE = tuple(fault for fault in ANSWER_FAULTS if fault != "obedient")


@pytest.mark.parametrize("fault", UNUSABLE)
@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_a_run_ends_in_an_honest_report_or_an_empty_one(
    fault: AnswerFault,
    rate: float,
    runs: Callable[[Sequence[Mapping[str, Any]]], "list[Outcome]"],
) -> None:
    models = [Misbehaving({fault: rate}, seed=seed) for seed in range(SEEDS)]
    outcomes = runs(
        [
            {"changes": (model,), "question": question, "understudy": True}
            for question, model in zip(QUESTIONS * SEEDS, models, strict=False)
        ]
    )
    assert any(model.planted for model in models)
    for outcome in outcomes:
        status = outcome.report["run"]["status"]
        assert status in {"complete", "partial", "empty"}
        assert (status == "empty") == (not outcome.claims)
        assert (status != "complete") == bool(outcome.report["run"]["reason"])
        assert_nothing_is_of_the_model(outcome)


def assert_nothing_is_of_the_model(outcome: "Outcome") -> None:
    """The honest model quotes, so whatever is stated stands in a text that was read."""
    read = [" ".join(text.split()) for text in outcome.texts.values()]
    for sentence in outcome.sentences:
        assert any(sentence in text for text in read), sentence


def honest(asked: Asked) -> str:
    """Answer as the extractive model does, from behind a socket."""
    answered: Any = completion(asked.payload)
    return str(answered["choices"][0]["message"]["content"])


async def test_a_gateway_that_talks_prose_is_told_of_and_quoted_around(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    talker = Misbehaving({"prose": 1.0})
    async with DemoWorld() as world, ScriptedGateway(changed_script(honest, talker)) as gateway:
        monkeypatch.setenv("GATEWAY_BASE_URL", gateway.base_url)
        monkeypatch.setenv("GATEWAY_MODEL", "talker")
        settings = Settings(
            out=tmp_path,
            cache=tmp_path / "cache",
            engines=("searxng",),
            searxng_url=world.searxng_url,
            allow_hosts=frozenset({world.host}),
            depth=1,
        )
        report = await wiring.research(QUESTIONS[0], settings=settings)
    assert talker.planted
    assert report.run.status == "complete"
    assert any("quoted by extraction instead" in failure.why for failure in report.failures)
    assert all(claim.sentence == claim.citations[0].quote for claim in report.claims)
