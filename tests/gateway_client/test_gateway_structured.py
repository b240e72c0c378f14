"""Answers in the form asked for, by whatever means the endpoint allows."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Literal

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field, ValidationError

from gateway_client import (
    AnswerUnusable,
    Config,
    Endpoint,
    GatewayClient,
    GatewayError,
    KeyRefused,
    NoModel,
    RateLimited,
    RequestRefused,
    TimedOut,
    Unreachable,
    UpstreamFailed,
)
from gateway_client.answers import json_text
from gateway_client.answers.forms import REFUSED_SECONDS
from gateway_client.answers.strict_schema import name_of, strict_schema
from gateway_client.answers.structured import Memory, structured
from gateway_client.testing import Asked, Reply, ScriptedGateway
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import Callable

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

JSONISH = st.one_of(
    st.text(alphabet='{}[]":,x1 \n\\', max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["x", "default", "name", "arguments"]), inner)
        ),
        max_leaves=6,
    ).map(json.dumps),
    st.sampled_from(["<think>", "</think>", "```json", '{"x": 3}', '{"x":', "", "\ud83d\ude00"]),
    st.text(max_size=20),
)


def form(asked: Asked) -> str:
    wanted = asked.payload.get("response_format")
    if isinstance(wanted, dict):
        return str(wanted["type"])
    return "tools" if "tools" in asked.payload else "prompt"


def takes_only(*forms: str) -> Callable[[Asked], Reply]:
    """Return the behaviour of a server that knows no other forms, and says so."""

    def behave(asked: Asked) -> Reply:
        if form(asked) not in forms:
            return Reply.failure(400, f"response_format or tool: {form(asked)} is unknown here")
        return Reply(call={"x": 3}) if form(asked) == "tools" else Reply(GOOD)

    return behave


def completion(message: object, finish_reason: str = "stop") -> Reply:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return Reply(body=json.dumps({"choices": [choice]}).encode())


def forms_of(gateway: ScriptedGateway) -> list[str]:
    return [form(asked) for asked in gateway.asked]


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
    assert forms_of(one) == ["json_schema", "tools", "json_object", "prompt", "prompt"]
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


@pytest.mark.parametrize("first", ["json_schema", "tools", "json_object", "prompt"])
async def test_an_answer_that_was_cut_off_is_asked_for_again_but_shorter(
    first: str, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    def cut(asked: Asked) -> Reply:
        answer = takes_only(first)(asked)
        message = {"role": "assistant", "content": '{"x": '}
        return answer if answer.status == 400 else completion(message, "length")

    async with ScriptedGateway(cut) as one, client(endpoint("one", one)) as gateway:
        with pytest.raises(AnswerUnusable, match="cut off at its greatest length") as caught:
            await answered(gateway)
    assert "allow more tokens" in str(caught.value)
    assert "Give a much shorter one" in one.asked[-1].prompt
    assert forms_of(one)[-2:] == [first, first]


async def test_json_mode_is_asked_for_with_the_schema_in_the_prompt(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    server = takes_only("json_object")
    async with ScriptedGateway(server) as one, client(endpoint("one", one)) as gateway:
        assert (await answered(gateway)).x == 3
    assert one.asked[-1].payload["response_format"] == {"type": "json_object"}
    assert "JSON Schema" in one.asked[-1].prompt


async def test_one_weak_endpoint_does_not_degrade_the_others(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway(takes_only("prompt")) as weak,
        ScriptedGateway(takes_only("json_schema", "tools", "json_object", "prompt")) as strong,
        client(endpoint("weak", weak), endpoint("strong", strong)) as gateway,
    ):
        for _ in range(6):  # turns are taken, so it takes a few to learn all of the weak one
            await answered(gateway)
        weak.asked.clear()
        strong.asked.clear()
        for _ in range(20):
            await answered(gateway)
    assert set(forms_of(strong)) == {"json_schema"}
    assert forms_of(weak) == ["json_schema", "prompt"] * (len(weak.asked) // 2)
    assert len(strong.asked) >= 5
    assert len(weak.asked) >= 5


async def test_an_endpoint_that_breaks_down_after_refusing_a_form_is_replaced(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    refusing = [Reply.failure(400, "json_schema is unknown here"), Reply.failure(401)]
    async with (
        ScriptedGateway(refusing) as weak,
        ScriptedGateway(takes_only("tools")) as other,
        client(endpoint("weak", weak, weight=9), endpoint("other", other)) as gateway,
    ):
        assert (await answered(gateway)).x == 3
    assert forms_of(weak) == ["json_schema", "tools"]
    assert forms_of(other) == ["tools"]


async def test_a_refused_form_is_tried_again_after_a_while(endpoint: MakeEndpoint) -> None:
    now = [0.0]
    memory = Memory(lambda: now[0])
    answers = [Reply.failure(400, "json_schema is unknown here"), Reply(call={"x": 1}), Reply(GOOD)]
    async with (
        ScriptedGateway(answers) as one,
        GatewayClient(Config((endpoint("one", one),))) as gateway,
    ):
        model = gateway.chat_model("write", "m")
        for _ in range(2):
            await structured(model, PROMPT, Point, memory=memory)
        now[0] += REFUSED_SECONDS
        await structured(model, PROMPT, Point, memory=memory)
    assert forms_of(one) == ["json_schema", "tools", "tools", "json_schema"]


async def test_a_form_that_is_passed_over_in_silence_is_not_asked_for_again(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    def chatty(asked: Asked) -> Reply:
        return Reply(GOOD if "JSON Schema" in asked.prompt else "Well, three, I would say.")

    async with ScriptedGateway(chatty) as one, client(endpoint("one", one)) as gateway:
        for _ in range(4):
            assert (await answered(gateway)).x == 3
    assert forms_of(one) == [
        *("json_schema", "json_schema"),
        *("tools", "tools"),
        "json_object",
        "json_object",
    ]


async def test_a_failure_that_names_the_form_is_a_refusal_of_it(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    def crashing(asked: Asked) -> Reply:
        if form(asked) == "json_schema":
            return Reply.failure(500, "KeyError: 'json_schema'")
        return Reply(call={"x": 3})

    async with ScriptedGateway(crashing) as one, client(endpoint("one", one)) as gateway:
        assert (await answered(gateway)).x == 3


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # the SDK's, of odd contents
@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": '{"x": 3, '}, {"type": "text", "text": '"default": "a"}'}],
        [{"type": "thinking", "thinking": "?", "text": '{"x": 1}'}, {"text": GOOD}],
        [{"type": "reasoning", "text": 3}, {"type": "output_text", "text": GOOD}],
        '{"name": "Point", "arguments": {"x": 3}}',
        '<tool_call>{"name": "Point", "arguments": "{\\"x\\": 3}"}</tool_call>',
        '{"type": "function", "function": {"name": "Point", "parameters": {"x": 3}}}',
    ],
)
async def test_answers_in_parts_and_calls_written_out_are_read(
    content: object, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    said = completion({"role": "assistant", "content": content})
    async with ScriptedGateway([said]) as one, client(endpoint("one", one)) as gateway:
        assert (await answered(gateway)).x == 3
    assert len(one.asked) == 1


async def test_parts_of_the_question_are_kept_where_the_schema_is_added(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    question = HumanMessage([{"type": "text", "text": "Where?"}, picture])
    async with (
        ScriptedGateway(takes_only("prompt")) as one,
        client(endpoint("one", one)) as gateway,
    ):
        model = gateway.chat_model("write")
        assert (await structured(model, [question], Point, memory=gateway.memory)).x == 3
    content = one.asked[-1].payload["messages"][0]["content"]  # type: ignore[index] # it is a table
    assert [part["type"] for part in content] == ["text", "image_url", "text"]


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # the SDK's, of odd contents
@pytest.mark.parametrize(
    "body",
    [
        {"choices": None},
        {"choices": []},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"role": "assistant", "content": 3}, "finish_reason": "stop"}]},
        {"choices": [{"message": {"role": "assistant", "tool_calls": [3]}}]},
        {"choices": [{"message": {"role": "bystander", "content": GOOD}}]},
        {"choices": [{"message": 0, "finish_reason": "length"}]},
        {"id": "nothing else"},
    ],
)
async def test_an_answer_that_is_no_completion_is_an_error_of_ours(
    body: object, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    said = Reply(body=json.dumps(body).encode())
    async with ScriptedGateway([said]) as one, client(endpoint("one", one)) as gateway:
        with pytest.raises((AnswerUnusable, UpstreamFailed)):
            await answered(gateway)


async def test_a_model_of_any_other_make_is_asked_too() -> None:
    model = FakeListChatModel(responses=["no", GOOD])
    memory = Memory()
    with pytest.raises(NotImplementedError):  # it has no functions to be forced to
        model.bind_tools([])
    assert (await structured(model, PROMPT, Point, memory=memory)).x == 3


def test_what_a_model_answers_is_an_answer_or_an_error_of_ours() -> None:
    """The law of this module, through real requests; one server for all examples."""
    texts: list[str] = []

    def say(asked: Asked) -> Reply:
        text = texts[len(asked.payload["messages"]) // 4]  # type: ignore[arg-type] # it is a list
        return completion({"role": "assistant", "content": text})

    with asyncio.Runner() as runner:
        gateway = ScriptedGateway(say)
        runner.run(gateway.__aenter__())
        client = GatewayClient(Config((Endpoint("one", gateway.base_url),)))
        model = client.chat_model("write", "m")

        @settings(max_examples=60, deadline=None)
        @given(st.lists(JSONISH, min_size=2, max_size=2))
        def law(said: list[str]) -> None:
            texts[:] = said
            try:
                found = runner.run(structured(model, PROMPT, Point, memory=Memory()))
            except AnswerUnusable as error:
                assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right
            else:
                assert Point.model_validate(found.model_dump()) == found

        law()
        runner.run(client.aclose())
        runner.run(gateway.__aexit__())


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
        '{"x": 3, "default": "</think>"}',
        f"<THINKING>no</THINKING> {GOOD}",
        f'unsure, {{"x": 1}}</reasoning>{GOOD}',
        f"```json\n{GOOD}\n``` </think> oh",
    ],
)
def test_the_object_is_found_wherever_it_stands(text: str) -> None:
    assert json_text.validated(text, Point).x == 3


@pytest.mark.parametrize(
    "text", ['<think>{"x": 1}', '<think>{"x": 1}</think>', 'it is {"x": 1}</think> or not']
)
def test_a_thought_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        json_text.validated(text, Point)


@pytest.mark.parametrize(
    "text", ['{"name": "Point", "arguments": 3}', '{"name": "Point", "arguments": "3"}']
)
def test_a_call_without_arguments_is_no_answer(text: str) -> None:
    with pytest.raises(ValidationError):
        json_text.validated(text, Point)


def test_a_form_that_has_arguments_itself_is_not_mistaken_for_a_call() -> None:
    class Command(BaseModel):
        name: str
        arguments: dict[str, int] = {}

    text = '{"name": "go", "arguments": {"x": 3}}'
    assert json_text.validated(text, Command).arguments == {"x": 3}


def test_a_choice_between_forms_is_said_in_the_words_that_strict_endpoints_know() -> None:
    class Circle(BaseModel):
        kind: Literal["circle"]

    class Square(BaseModel):
        kind: Literal["square"]

    class Drawing(BaseModel):
        shape: Circle | Square = Field(discriminator="kind")

    shape = strict_schema(Drawing)["properties"]["shape"]  # type: ignore[index] # it is a table
    assert list(shape) == ["anyOf"]


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
