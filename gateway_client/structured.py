"""Gets an answer in a given form out of any chat model, by the best means its endpoint allows.

There are three means: a JSON schema enforced by the endpoint, a forced function call, and a
plain request in the prompt. An endpoint that rejects one is asked by the next, and remembered.
"""

from __future__ import annotations

import json
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeVar

import openai
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel, ValidationError

from gateway_client import json_text
from gateway_client.errors import AnswerUnusable, RequestRefused
from gateway_client.exchange import TASK_HEADER
from gateway_client.strict_schema import name_of, strict_schema
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.runnables import Runnable

Answer = TypeVar("Answer", bound=BaseModel)

EXCERPT_CHARACTERS: Final = 160
MOST_PROBLEMS: Final = 8
"""Problems named in a repair turn: a model mends the first few, and the rest with them."""

_FORM_WORDS: Final = (
    "response_format", "json_schema", "structured output", "schema", "tool", "function", "grammar",
)  # fmt: skip


class Form(IntEnum):
    """The means, best first."""

    SCHEMA = 0
    FUNCTION = 1
    PROMPT = 2


class Memory:
    """Which means worked for which model and kind of work; one memory for each client."""

    def __init__(self) -> None:
        self._forms: dict[str, Form] = {}

    def first_for(self, chat_model: BaseChatModel) -> Form:
        """Return the means to begin with."""
        return self._forms.get(_who(chat_model), Form.SCHEMA)

    def remember(self, chat_model: BaseChatModel, form: Form) -> None:
        """Begin with this one from now on."""
        self._forms[_who(chat_model)] = form


async def structured(
    chat_model: BaseChatModel,
    messages: Sequence[BaseMessage],
    reply: type[Answer],
    *,
    memory: Memory,
) -> Answer:
    """Return the model's answer as a ``reply``.

    Raises AnswerUnusable if a second turn brings no valid answer either, and other
    GatewayErrors if the model cannot be asked at all.
    """
    form = memory.first_for(chat_model)
    while True:
        try:
            answer = await _asked(chat_model, messages, reply, form)
        except openai.OpenAIError as error:
            if form is Form.PROMPT or not _rejects_form(error):
                raise translated(error) from error
            form = Form(form + 1)
        else:
            memory.remember(chat_model, form)
            return answer


async def _asked(
    chat_model: BaseChatModel, messages: Sequence[BaseMessage], reply: type[Answer], form: Form
) -> Answer:
    """Ask, and if the answer is not valid, say why and ask once more."""
    model = _bound(chat_model, reply, form)
    turns = _with_schema(messages, reply) if form is Form.PROMPT else list(messages)
    text = _text_of(await model.ainvoke(turns))
    try:
        return json_text.validated(text, reply)
    except ValueError as problem:
        again = [*turns, AIMessage(text or "{}"), HumanMessage(_repair(problem, reply))]
    text = _text_of(await model.ainvoke(again))
    try:
        return json_text.validated(text, reply)
    except ValueError as problem:
        raise _unusable(text, problem, reply) from problem


def _bound(
    chat_model: BaseChatModel, reply: type[BaseModel], form: Form
) -> Runnable[LanguageModelInput, AIMessage]:
    name, schema = name_of(reply), strict_schema(reply)
    if form is Form.SCHEMA:
        wanted = {"name": name, "schema": schema, "strict": True}
        return chat_model.bind(response_format={"type": "json_schema", "json_schema": wanted})
    if form is Form.FUNCTION:
        function = {"name": name, "description": "Give the answer.", "parameters": schema}
        return chat_model.bind_tools([{"type": "function", "function": function}], tool_choice=name)
    return chat_model


def _with_schema(messages: Sequence[BaseMessage], reply: type[BaseModel]) -> list[BaseMessage]:
    """Append the request to the last message: some models want turns to alternate strictly."""
    *before, last = messages
    return [*before, last.model_copy(update={"content": f"{last.text}\n\n{_request(reply)}"})]


def _request(reply: type[BaseModel]) -> str:
    schema = json.dumps(strict_schema(reply), ensure_ascii=False)
    return f"Answer with one JSON object and nothing else. It must fit this JSON Schema:\n{schema}"


def _repair(problem: ValueError, reply: type[BaseModel]) -> str:
    return f"That answer cannot be used: {_problems(problem)}\n{_request(reply)}"


def _problems(problem: ValueError) -> str:
    """Say what is wrong without repeating the values, which may be long."""
    if not isinstance(problem, ValidationError):
        return str(problem)
    found = problem.errors(include_url=False, include_input=False, include_context=False)
    told = (f"{'.'.join(map(str, one['loc'])) or 'answer'}: {one['msg']}" for one in found)
    return "; ".join(list(told)[:MOST_PROBLEMS])


def _text_of(message: AIMessage) -> str:
    """Return what should be the JSON: the arguments of a call, or else the text."""
    for call in message.tool_calls:
        return json.dumps(call["args"], ensure_ascii=False)
    for broken in message.invalid_tool_calls:
        return broken["args"] or ""
    return str(message.text)


def _unusable(text: str, problem: ValueError, reply: type[BaseModel]) -> AnswerUnusable:
    excerpt = " ".join(text.split())
    if len(excerpt) > EXCERPT_CHARACTERS:
        excerpt = f"{excerpt[:EXCERPT_CHARACTERS]}…"
    return AnswerUnusable(
        f"no valid {reply.__name__} in two turns ({_problems(problem)}); the last began: {excerpt}",
        mend="try a stronger model for this task",
    )


def _rejects_form(error: openai.OpenAIError) -> bool:
    """Whether it is the form that an endpoint will not take, and not what is asked."""
    if not isinstance(error, openai.APIStatusError) or not isinstance(
        translated(error), RequestRefused
    ):
        return False
    text = error.response.text.lower()
    return any(word in text for word in _FORM_WORDS)


def _who(chat_model: BaseChatModel) -> str:
    headers = getattr(chat_model, "default_headers", None) or {}
    return f"{getattr(chat_model, 'model_name', '')} {headers.get(TASK_HEADER, '')}"
