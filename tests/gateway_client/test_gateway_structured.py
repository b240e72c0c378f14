"""Answers in the form asked for, by whatever means the endpoint allows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from gateway_client import (
    AnswerUnusable,
    GatewayError,
    KeyRefused,
    NoModel,
    RateLimited,
    RequestRefused,
    TimedOut,
    Unreachable,
    UpstreamFailed,
    json_text,
)
from gateway_client.strict_schema import name_of, strict_schema
from gateway_client.structured import Memory, structured
from gateway_client.testing import Asked, Reply, ScriptedGateway
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client import Endpoint, GatewayClient

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]


class Point(BaseModel):
    """A place."""

    x: int
    default: str = Field("none", max_length=9, description="its name")


class Shape(BaseModel):
    points: tuple[Point, ...]
    main: Point = Field(description="the first")


PROMPT = [SystemMessage("You place points."), HumanMessage("Where?")]
GOOD = '{"x": 3, "default": "here"}'


def form(asked: Asked) -> str:
    return next((key for key in ("response_format", "tools") if key in asked.payload), "prompt")


async def answered(client: GatewayClient) -> Point:
    return await structured(client.chat_model("write"), PROMPT, Point, memory=client.memory)


async def test_a_schema_is_asked_for_first(endpoint: MakeEndpoint, client: MakeClient) -> None:
    async with ScriptedGateway([GOOD]) as one, client(endpoint("one", one)) as gateway:
        assert (await answered(gateway)).x == 3
    wanted = one.asked[0].payload["response_format"]
    assert isinstance(wanted, dict)
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["name"] == "Point"
    assert len(one.asked) == 1


async def test_a_form_that_is_rejected_is_stepped_down_from_once_and_remembered(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    def old_server(asked: Asked) -> Reply:
        if form(asked) == "prompt":
            return Reply(f"Sure!\n```json\n{GOOD}\n```")
        return Reply.failure(422, f"{form(asked)} is not supported")

    async with ScriptedGateway(old_server) as one, client(endpoint("one", one)) as gateway:
        assert (await answered(gateway)).x == 3
        assert (await answered(gateway)).x == 3
    assert [form(asked) for asked in one.asked] == ["response_format", "tools", "prompt", "prompt"]
    assert "You place points." in one.asked[-1].prompt
    assert "JSON Schema" in one.asked[-1].prompt
    assert len(one.asked[-1].payload["messages"]) == 2  # type: ignore[arg-type] # it is a list


async def test_a_function_call_is_read(endpoint: MakeEndpoint, client: MakeClient) -> None:
    def calls_only(asked: Asked) -> Reply:
        if form(asked) == "tools":
            return Reply(call={"x": 5, "default": "there"})
        return Reply.failure(400, "json_schema is unknown here")

    async with ScriptedGateway(calls_only) as one, client(endpoint("one", one)) as gateway:
        assert (await answered(gateway)).x == 5


async def test_broken_arguments_of_a_call_are_mended_in_the_second_turn(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    function = {"name": "Point", "arguments": '{"x": 5'}
    call = {"id": "1", "type": "function", "function": function}
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [call]}}
    broken = Reply(body=json.dumps({"choices": [choice]}).encode())
    script = [Reply.failure(400, "schema?"), broken, Reply(call={"x": 6})]
    async with ScriptedGateway(script) as one, client(endpoint("one", one)) as gateway:
        assert (await answered(gateway)).x == 6


async def test_the_second_turn_is_told_what_was_wrong(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway(['{"x": "three"}', GOOD]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        assert (await answered(gateway)).x == 3
    assert "x: Input should be a valid integer" in one.asked[1].prompt
    assert '{"x": "three"}' in one.asked[1].prompt


async def test_two_useless_answers_are_an_error_with_the_beginning_of_the_last(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway(["I would\nrather not. " * 30]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        with pytest.raises(AnswerUnusable, match="no JSON object") as caught:
            await answered(gateway)
    assert "I would rather not." in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert len(one.asked) == 2


async def test_an_answer_that_was_cut_off_is_unusable(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    message = {"role": "assistant", "content": '{"x": '}
    choice = {"index": 0, "message": message, "finish_reason": "length"}
    cut = Reply(body=json.dumps({"choices": [choice]}).encode())
    async with ScriptedGateway([cut]) as one, client(endpoint("one", one)) as gateway:
        with pytest.raises(AnswerUnusable):
            await answered(gateway)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Reply.failure(401), KeyRefused),
        (Reply.failure(400, "temperature is too high"), RequestRefused),
        (Reply.failure(400, "a function went wrong, and prompts too"), RequestRefused),
        (Reply.failure(404, "no such page"), UpstreamFailed),
        (Reply.failure(500), UpstreamFailed),
        (Reply.failure(404, "no such model: model not found"), NoModel),
    ],
)
async def test_what_is_no_matter_of_form_is_raised_as_our_error(
    fault: Reply, error: type[GatewayError], endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway([fault]) as one, client(endpoint("one", one)) as gateway:
        with pytest.raises(error):
            await answered(gateway)


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Reply.failure(401), KeyRefused, "refused the key (401, no): check GATEWAY_API_KEY"),
        (Reply.failure(403), KeyRefused, "refused the key"),
        (Reply.failure(429), RateLimited, "takes no more requests"),
        (Reply.failure(404), UpstreamFailed, "usually ends in /v1"),
        (Reply.failure(500), UpstreamFailed, "failed (500, no): try again later"),
        (Reply.failure(409), RequestRefused, "refused the request (409, no)"),
        (Reply(status=418, body=b"short"), RequestRefused, "refused the request (418)"),
        (Reply(drop=True), Unreachable, "cannot be reached: check GATEWAY_BASE_URL"),
        (Reply(stall=9), TimedOut, "did not answer in time"),
    ],
)
async def test_errors_of_a_chat_model_without_our_transport_are_translated_too(
    fault: Reply, error: type[GatewayError], said: str
) -> None:
    async with (
        ScriptedGateway([fault]) as one,
        openai.DefaultAsyncHttpx2Client(trust_env=False) as plain,
    ):
        model = ChatOpenAI(
            model="m",
            base_url=one.base_url,
            api_key="k",
            max_retries=0,
            timeout=0.2,
            http_async_client=plain,
        )
        with pytest.raises(error) as caught:
            await structured(model, PROMPT, Point, memory=Memory())
    assert said in str(caught.value)
    assert f"at {one.base_url.removesuffix('/v1')}" in str(caught.value)


def test_an_error_that_says_nothing_of_itself_is_still_ours() -> None:
    assert "made no sense" in str(translated(openai.OpenAIError("?")))


def test_a_strict_schema_is_closed_complete_and_without_defaults() -> None:
    schema = strict_schema(Shape)
    point = schema["$defs"]["Point"]  # type: ignore[index] # it is a table
    assert schema["required"] == ["points", "main"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["main"] == {"$ref": "#/$defs/Point"}  # type: ignore[index] # as above
    assert point["required"] == ["x", "default"]
    assert point["properties"]["default"] == {"description": "its name", "type": "string"}
    assert name_of(type("Box[int]", (BaseModel,), {})) == "Box_int_"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f'<think>{{"x": 1}} or so?</think>\n{GOOD}',
        f"<think>unsure</think>Here you are: {GOOD} Anything else?",
        f"{{not json}} {GOOD}",
        f'{{"y": 1}} {GOOD}',
        '{"x": 3, "default": "he\nre"}',
    ],
)
def test_the_object_is_found_wherever_it_stands(text: str) -> None:
    assert json_text.validated(text, Point).x == 3


@given(st.text(alphabet='{}[]":,x1 \n\\', max_size=200))
def test_any_text_is_an_answer_or_a_value_error(text: str) -> None:
    try:
        assert json_text.validated(text, Point).x is not None
    except ValueError as error:
        assert str(error)  # noqa: PT017 - both outcomes are right


def test_hostile_depth_and_length_are_borne() -> None:
    for text in ('{"a":' * 100_000, "{" * 100_000, "{ " * 100_000):
        with pytest.raises(ValueError, match="no JSON object"):
            json_text.validated(text, Point)
