import pytest
from pydantic import BaseModel

from agent.adapters.gateway_chat import GatewayChat
from agent.domain.prompt import Prompt
from agent.errors import AnswerUnusable, ModelUnavailable
from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.testing import Reply, ScriptedGateway

PROMPT = Prompt("You count.", "Count.")


class Count(BaseModel):
    number: int


def config(gateway: ScriptedGateway) -> Config:
    names = {"light": ("m",), "deep": ("m",), "long": ("m",)}
    return Config(
        (Endpoint("e", gateway.base_url),),
        tiers=names,  # type: ignore[arg-type]
        models={"m": Model("m", context=5_000)},
        policy=Policy(backoff_seconds=0.0),
    )


async def test_an_answer_comes_back_in_its_form_and_is_counted() -> None:
    async with (
        ScriptedGateway(['{"number": 3}']) as gateway,
        GatewayClient(config(gateway)) as client,
    ):
        chat = GatewayChat(client)
        assert await chat.ask(PROMPT, Count, task="write") == Count(number=3)
        usage = chat.usage()
    assert usage.calls == 1
    assert set(usage.by_task) == {"write"}
    assert usage.unpriced == ("m",)
    assert chat.window("write") == 5_000
    assert chat.tokens("four little words here") > 3
    assert chat.failures() == ()


async def test_an_understudy_answers_for_a_model_that_cannot_and_it_is_said() -> None:
    async with (
        ScriptedGateway(["No."]) as bad,
        ScriptedGateway(['{"number": 4}']) as good,
        GatewayClient(config(bad)) as one,
        GatewayClient(config(good)) as other,
    ):
        chat = GatewayChat(one, understudy=GatewayChat(other))
        assert await chat.ask(PROMPT, Count, task="write") == Count(number=4)
        assert "extraction" in chat.failures()[0].why
        with pytest.raises(AnswerUnusable):
            await GatewayChat(one).ask(PROMPT, Count, task="write")


async def test_a_gateway_that_fails_is_an_error_and_not_the_understudys_business() -> None:
    async with (
        ScriptedGateway([Reply.failure(401)]) as gateway,
        GatewayClient(config(gateway)) as client,
    ):
        with pytest.raises(ModelUnavailable, match="401"):
            await GatewayChat(client).ask(PROMPT, Count, task="write")
