import json
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import BaseModel

from agent.adapters.gateway_chat import GatewayChat
from agent.domain.prompt import Prompt
from agent.errors import AnswerUnusable, ModelUnavailable, PromptTooLong
from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.journal import Journal
from gateway_client.testing import Asked, Reply, ScriptedGateway

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


LONG = Prompt("You count.", "Count these. " * 1_000)


def narrow(limit: int, *, says: bool) -> ScriptedGateway:
    """A gateway that counts a token for two characters, and takes so many of them."""

    def reply(asked: Asked) -> Reply:
        tokens = len(asked.prompt) // 2
        if tokens <= limit:
            return Reply('{"number": 5}')
        told = f": {tokens} tokens, and the maximum is {limit}" if says else ""
        return Reply.failure(400, f"the prompt exceeds the context size{told}")

    return ScriptedGateway(reply)


async def test_a_prompt_that_is_too_long_tells_how_large_the_window_really_is() -> None:
    async with narrow(2_000, says=True) as gateway, GatewayClient(config(gateway)) as client:
        chat = GatewayChat(client)
        before = chat.tokens(LONG.user)
        with pytest.raises(PromptTooLong, match="2000"):
            await chat.ask(LONG, Count, task="write")
        assert chat.window("write") == chat.window("outline") == 2_000
        assert chat.window("refine") > 2_000
        assert chat.tokens(LONG.user) > 1.6 * before
        assert await chat.ask(PROMPT, Count, task="write") == Count(number=5)


async def test_where_nothing_is_said_of_the_window_it_shrinks_until_prompts_fit() -> None:
    async with narrow(2_000, says=False) as gateway, GatewayClient(config(gateway)) as client:
        chat = GatewayChat(client)
        size = chat.tokens(LONG.user)
        with pytest.raises(PromptTooLong):
            await chat.ask(LONG, Count, task="write")
        assert 0.5 * size < chat.window("write") < 0.7 * size


async def test_a_window_that_was_learnt_is_known_again_when_a_step_is_repeated(
    tmp_path: Path,
) -> None:
    async with narrow(2_000, says=True) as gateway:
        with closing(Journal(tmp_path / "journal.sqlite")) as journal:
            for _ in range(2):
                async with GatewayClient(config(gateway), journal=journal) as client:
                    chat = GatewayChat(client)
                    await chat.begin("one")
                    if not gateway.asked:
                        with pytest.raises(PromptTooLong):
                            await chat.ask(LONG, Count, task="write")
                    await chat.begin("two")
                    assert chat.window("write") == 2_000


async def test_an_answer_that_is_too_long_to_be_sent_back_is_no_reason_to_pack_anew() -> None:
    def rambling(asked: Asked) -> Reply:
        if len(asked.prompt) // 2 > 2_000:
            return Reply.failure(400, "the prompt exceeds the context size: 4000 tokens of 2000")
        return Reply("I would rather tell you a story. " * 150)

    async with (
        ScriptedGateway(rambling) as gateway,
        ScriptedGateway(['{"number": 4}']) as good,
        GatewayClient(config(gateway)) as one,
        GatewayClient(config(good)) as other,
    ):
        chat = GatewayChat(one, understudy=GatewayChat(other))
        assert await chat.ask(PROMPT, Count, task="write") == Count(number=4)
    assert len(gateway.asked) == 2
    assert "too long" in chat.failures()[0].why


async def test_a_prompt_that_cannot_be_made_shorter_is_the_understudys() -> None:
    async with (
        narrow(2_000, says=True) as gateway,
        ScriptedGateway(['{"number": 4}']) as good,
        GatewayClient(config(gateway)) as one,
        GatewayClient(config(good)) as other,
    ):
        chat = GatewayChat(one, understudy=GatewayChat(other))
        assert await chat.ask(LONG, Count, task="summarize") == Count(number=4)
        (failure,) = chat.failures()
        assert "too long" in failure.why
        with pytest.raises(AnswerUnusable, match="too long"):
            await GatewayChat(one).ask(LONG, Count, task="summarize")


ENGLISH = "Every sentence of the report rests on a quote that really stands in a source. "
CHINESE = "报告中的每一句话都以真实存在的引文为依据。"


def reporting(rate: float, *, overhead: int = 0) -> ScriptedGateway:
    """A gateway whose tokenizer makes so many tokens of each character of a prompt."""

    def reply(asked: Asked) -> Reply:
        given = round(len(asked.prompt) * rate) + overhead
        message = {"role": "assistant", "content": '{"number": 3}'}
        body = {
            "id": "1", "object": "chat.completion", "created": 0, "model": "other-name",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": given, "completion_tokens": 9, "total_tokens": given + 9},
        }  # fmt: skip
        return Reply(body=json.dumps(body).encode())

    return ScriptedGateway(reply)


@pytest.mark.parametrize(
    ("text", "rate"),
    [(ENGLISH, 0.15), (ENGLISH, 0.25), (ENGLISH, 0.4), (CHINESE, 0.5), (CHINESE, 1.3)],
)
async def test_after_one_answer_estimates_are_within_a_tenth_of_what_the_model_counts(
    text: str, rate: float
) -> None:
    async with (
        reporting(rate, overhead=12) as gateway,
        GatewayClient(config(gateway)) as client,
    ):
        chat = GatewayChat(client)
        await chat.ask(Prompt("You count.", text * 50), Count, task="write")
        later = text * 900
        assert chat.tokens(later) == pytest.approx(rate * len(later), rel=0.1)


async def test_a_window_is_no_larger_than_what_the_gateways_own_rule_of_thumb_lets_pass() -> None:
    async with reporting(0.1) as gateway, GatewayClient(config(gateway)) as client:
        chat = GatewayChat(client)
        before = chat.window("write")
        await chat.ask(Prompt("You count.", ENGLISH * 50), Count, task="write")
        assert chat.window("write") == pytest.approx(before * 0.1 / 0.25, rel=0.15)


async def test_answers_that_report_nothing_leave_the_rule_of_thumb() -> None:
    async with (
        ScriptedGateway([Reply('{"number": 3}', usage=False)]) as gateway,
        GatewayClient(config(gateway)) as client,
    ):
        chat = GatewayChat(client)
        before = chat.tokens(ENGLISH * 100)
        await chat.ask(PROMPT, Count, task="write")
        assert chat.tokens(ENGLISH * 100) == before


async def test_a_step_begins_again_with_what_was_known_when_it_began_first(tmp_path: Path) -> None:
    async def weak(path: Path, *, begin_again: bool) -> tuple[int, int]:
        """Ask a gateway that takes no schema; return an estimate and the requests made."""
        with closing(Journal(path)) as journal:
            async with GatewayClient(config(gateway), journal=journal) as client:
                chat = GatewayChat(client)
                if not begin_again:
                    await chat.begin("one")
                    await chat.ask(PROMPT, Count, task="write")
                await chat.begin("two")
                asked = len(gateway.asked)
                await chat.ask(PROMPT, Count, task="write")
                return chat.tokens("four little words here" * 99), len(gateway.asked) - asked

    def answer(asked: Asked) -> Reply:
        if "response_format" in asked.payload:
            return Reply.failure(400, "response_format is not supported")
        return Reply('{"number": 3}')

    async with ScriptedGateway(answer) as gateway:
        tokens, requests = await weak(tmp_path / "journal.sqlite", begin_again=False)
        assert requests == 1  # the form that is refused is not tried again
        again, requests = await weak(tmp_path / "journal.sqlite", begin_again=True)
    assert again == tokens
    assert requests == 0
