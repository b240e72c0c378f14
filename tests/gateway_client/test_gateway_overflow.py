"""A prompt that is too long is told from other refusals, with what the endpoint says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import openai
import pytest

from gateway_client import ContextExceeded, Endpoint, GatewayClient, Model, overflow
from gateway_client.config import Config
from gateway_client.testing import Reply, ScriptedGateway
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

TOO_LONG = {
    "OpenAI": (
        "This model's maximum context length is 8192 tokens, and your messages were 9000 tokens.",
        (9000, 8192),
    ),
    "vLLM": (
        "maximum context length is 8192 tokens, requested 9100 (8100 in the messages, 1000 beyond)",
        (8100, 8192),
    ),
    "vLLM, which stops counting": (
        "maximum context length is 8192 tokens. However, your prompt contains at least 8193 tokens",
        (None, 8192),
    ),
    "Anthropic": ("prompt is too long: 210000 tokens > 200000 maximum", (210_000, 200_000)),
    "Google": (
        "The input token count (1,200,000) exceeds the maximum number of tokens allowed (1048575).",
        (1_200_000, 1_048_575),
    ),
    "llama.cpp": (
        "request (8376 tokens) exceeds the available context size (8192 tokens), try increasing it",
        (8376, 8192),
    ),
    "without numbers": ("Your input exceeds the context window of this model.", (None, None)),
    "with an id": ("Input is too long (request 0a-20240817-req9999).", (None, None)),
    "with a limit": ("too many tokens: the context size is 4096", (None, 4096)),
}


@pytest.mark.parametrize(("said", "expected"), TOO_LONG.values(), ids=TOO_LONG)
def test_what_vendors_say_is_read(said: str, expected: tuple[int | None, int | None]) -> None:
    assert overflow.told(json.dumps({"error": {"message": said, "code": 400}})) == expected


@pytest.mark.parametrize(
    "said",
    [
        "your credit balance is too low",
        "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens",
        "temperature must be at most 2",
        "the image is too large",
    ],
)
def test_other_refusals_are_left_alone(said: str) -> None:
    assert overflow.told(said) is None


async def test_the_error_says_how_long_it_was_and_may_be(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    refusal = Reply.failure(400, TOO_LONG["llama.cpp"][0])
    async with ScriptedGateway([refusal]) as one, client(endpoint("one", one)) as gateway:
        with pytest.raises(openai.BadRequestError) as caught:
            await gateway.openai().chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "hello"}]
            )
    error = translated(caught.value)
    assert isinstance(error, ContextExceeded)
    assert (error.tokens, error.limit) == (8376, 8192)
    assert "8192 tokens" in error.message
    assert error.mend


@pytest.mark.parametrize(
    ("model", "name"), [("qwen3:8b", "max_tokens"), ("gpt-5-mini", "max_completion_tokens")]
)
async def test_what_is_known_of_a_model_bounds_its_answers(model: str, name: str) -> None:
    async with ScriptedGateway() as one:
        known = {model: Model(model, context=8_192, max_output=700)}
        config = Config((Endpoint("one", one.base_url),), models=known)
        async with GatewayClient(config) as gateway:
            await gateway.complete("hello", model=model)
            await gateway.complete("hello", model=model, max_tokens=5)
            await gateway.complete("hello", model="another")
    first, second, third = (asked.payload for asked in one.asked)
    assert first[name] == 700
    assert second["max_tokens"] == 5
    assert "max_completion_tokens" not in second
    assert not {"max_tokens", "max_completion_tokens"} & set(third)
