"""A key never shows."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import openai
import pytest

from gateway_client import Config, GatewayClient
from gateway_client.testing import Reply, ScriptedGateway
from gateway_client.translate import translated

if TYPE_CHECKING:
    from gateway_client.testing import Asked, FakeTime

CANARY = "sk-canary-5e1f7c"


def echo(asked: Asked) -> Reply:
    """Do what careless gateways do: quote the key back, in a different failure each time."""
    said = f"the key {asked.key} is bad"
    statuses = {"1": 401, "2": 429, "3": 500, "4": 400, "5": 402}
    if asked.prompt == "ok":
        return Reply("fine")
    if asked.prompt == "hidden":
        return Reply(body=f'{{"error": {{"message": "{said}"}}}}'.encode())
    return Reply.failure(statuses[asked.prompt], said, x_echo=asked.key)


@pytest.mark.parametrize("prompt", ["ok", "hidden", "1", "2", "3", "4", "5"])
async def test_the_canary_stays_in_its_cage(
    prompt: str, fake_time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="httpcore2")  # on DEBUG it logs every header it gets
    async with ScriptedGateway(echo) as one:
        environ = {"GATEWAY_BASE_URL": one.base_url, "GATEWAY_API_KEY": CANARY}
        config = Config.from_environment(environ)
        assert config is not None
        shown = [repr(config), str(config)]
        async with GatewayClient(config, clock=fake_time, sleep=fake_time.sleep) as client:
            model = client.chat_model("write")
            try:
                shown.append(repr(await model.ainvoke(prompt)))
            except openai.OpenAIError as error:
                ours = translated(error)
                shown += [str(error), repr(error), str(ours), repr(ours)]
                shown += ["".join(traceback.format_exception(error)), repr(vars(error))]
                shown += [str(getattr(error, "response", None) and vars(error.response))]  # type: ignore[attr-defined]
            shown += [repr(client.ledger.entries), repr(model), repr(vars(client))]
    assert one.asked[0].key == CANARY
    assert len(shown) > 4
    for text in (*shown, caplog.text):
        assert CANARY not in text
