from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent import wiring
from agent.adapters.extractive import completion
from agent.domain.question import Question
from agent.errors import ModelUnavailable
from gateway_client.testing import Asked, Reply, ScriptedGateway

if TYPE_CHECKING:
    from tests.delta.conftest import Begun


async def test_a_run_that_is_stopped_goes_on_with_what_it_had_recalled(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, fails = begun.web, [True]
    web.pages["cost"] = tuple(line.replace("87", "79") for line in web.PAGES["cost"])
    del web.pages["fire"]

    def answer(asked: Asked) -> Reply:
        if fails:
            return Reply.failure(400, "no")
        return Reply(body=json.dumps(completion(asked.payload)).encode())

    question = Question(
        begun.first.run.question.text,
        sources=("web", "scholar"),
        predecessor=begun.first.run.id,
    )
    async with ScriptedGateway(answer) as gateway:
        monkeypatch.setenv("GATEWAY_BASE_URL", gateway.base_url)
        monkeypatch.setenv("GATEWAY_MODEL", "scripted")
        with pytest.raises(ModelUnavailable) as caught:
            await wiring.research(question, settings=begun.settings)
        fails.clear()
        web.asked.clear()
        report = await wiring.resume(caught.value.stopped_run, settings=begun.settings)
    assert [change.kind for change in report.changes] == ["changed", "withdrawn"]
    assert report.changes[0].after[0].quote == web.pages["cost"][1]
    assert web.asked == []
