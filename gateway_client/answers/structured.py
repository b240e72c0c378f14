"""Gets an answer in a given form out of any chat model, by the best means its endpoint allows.

There are four means: a JSON schema enforced by the endpoint, a forced function call, JSON of any
form enforced, and a plain request in the prompt. An endpoint that rejects one is asked by the
next, and remembered.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard, TypeVar

import openai
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel, ValidationError

from gateway_client import wire
from gateway_client.answers import json_text
from gateway_client.answers.forms import Form, Memory, Place
from gateway_client.answers.requests import bound, request, with_request
from gateway_client.errors import AnswerUnusable, RequestRefused, UpstreamFailed
from gateway_client.exchange import LANE_HEADER, TASK_HEADER
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.runnables import Runnable

__all__ = ["Memory", "structured"]

Answer = TypeVar("Answer", bound=BaseModel)

EXCERPT_CHARACTERS: Final = 160
MOST_PROBLEMS: Final = 8
"""Problems named in a repair turn: a model mends the first few, and the rest with them."""

CUT_OFF: Final = "it was cut off at its greatest length"
CUT_OFF_SHOWN: Final = 1_000
"""Characters of an answer that was cut off which are sent back: all of it may fill the window."""

_FORM_WORDS: Final = (
    "response_format", "json_schema", "json_object", "json mode", "structured output", "schema",
    "tool", "function", "grammar",
)  # fmt: skip

_SURE_FORM_WORDS: Final = ("response_format", "json_schema", "json_object", "tool_choice")
"""Words by which even an endpoint's failure (5xx) is read as a refusal of the form."""

_THOUGHT_PARTS: Final = frozenset({"thinking", "reasoning", "redacted_thinking"})


@dataclass(frozen=True, slots=True)
class _Said:
    """One turn of the model: what should be the JSON, whether all of it, and the headers."""

    text: str
    is_cut_off: bool
    headers: Mapping[str, str]


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
    telling = _telling(chat_model)
    caller = _caller(chat_model)
    form, lane = memory.first_for(caller), ""
    while True:
        try:
            return await _asked(telling, messages, reply, form, memory, lane)
        except openai.OpenAIError as error:
            if form is not Form.PROMPT and _rejects_form(error):
                # The next form is for whoever refused this one; others may take a better one.
                place = _place(chat_model, error.response.headers)
                memory.fails(caller, place, form)
                form, lane = max(Form(form + 1), memory.best_at(place)), place.endpoint
            elif lane:
                lane = ""  # that endpoint is in trouble, and any other may answer in its place
            else:
                raise translated(error) from error


async def _asked(
    chat_model: BaseChatModel,
    messages: Sequence[BaseMessage],
    reply: type[Answer],
    form: Form,
    memory: Memory,
    lane: str,
) -> Answer:
    """Ask, and if the answer is not valid, say why and ask once more."""
    model = bound(chat_model, reply, form)
    model = model.bind(extra_headers={LANE_HEADER: lane}) if lane else model
    turns = with_request(messages, reply) if form >= Form.JSON else list(messages)
    said = await _turn(model, turns)
    try:
        answer = json_text.validated(said.text, reply)
    except ValueError as problem:
        _learn(memory, chat_model, said, form)
        repair = HumanMessage(_repair(said, problem, reply))
        answered = said.text[:CUT_OFF_SHOWN] if said.is_cut_off else said.text
        again = [*turns, AIMessage(answered or "{}"), repair]
    else:
        memory.works(_caller(chat_model), _place(chat_model, said.headers), form)
        return answer
    said = await _turn(model, again)
    try:
        return json_text.validated(said.text, reply)
    except ValueError as problem:
        raise _unusable(said, problem, reply) from problem


async def _turn(
    model: Runnable[LanguageModelInput, AIMessage], turns: Sequence[BaseMessage]
) -> _Said:
    try:
        message = await model.ainvoke(list(turns))
    except openai.LengthFinishReasonError as error:
        written = wire.written_text(error.completion.model_dump(warnings=False))
        return _Said(written, True, {})
    except openai.OpenAIError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        # How the clients say that a whole answer is no chat completion at all.
        raise _no_completion(type(error).__name__) from error
    if not isinstance(message, AIMessage):
        raise _no_completion("not the assistant's message")
    meta = message.response_metadata
    cut_off = meta.get("finish_reason") in {"length", "max_tokens"}
    return _Said(_text_of(message), cut_off, meta.get("headers") or {})


def _learn(memory: Memory, chat_model: BaseChatModel, said: _Said, form: Form) -> None:
    """Remember who lets a form pass and then does as if nobody had asked for it.

    A whole answer without any object cannot come out of a form that is enforced.
    """
    ignored = not said.is_cut_off and said.text and next(json_text.objects(said.text), None) is None
    if ignored and form is not Form.PROMPT:
        memory.fails(_caller(chat_model), _place(chat_model, said.headers), form)


def _repair(said: _Said, problem: ValueError, reply: type[BaseModel]) -> str:
    if said.is_cut_off:
        return f"That answer cannot be used: {CUT_OFF}. Give a much shorter one.\n{request(reply)}"
    return f"That answer cannot be used: {_problems(problem)}\n{request(reply)}"


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
    if isinstance(message.content, str):
        return message.content
    return "".join(map(_text_of_part, message.content))


def _text_of_part(part: str | dict[str, Any]) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text")
    return text if isinstance(text, str) and part.get("type") not in _THOUGHT_PARTS else ""


def _unusable(said: _Said, problem: ValueError, reply: type[BaseModel]) -> AnswerUnusable:
    excerpt = " ".join(said.text.split())
    if len(excerpt) > EXCERPT_CHARACTERS:
        excerpt = f"{excerpt[:EXCERPT_CHARACTERS]}…"
    reason = CUT_OFF if said.is_cut_off else _problems(problem)
    return AnswerUnusable(
        f"no valid {reply.__name__} in two turns ({reason}); the last began: {excerpt}",
        mend="allow more tokens, or ask for less"
        if said.is_cut_off
        else "try a stronger model for this task",
    )


def _no_completion(reason: str) -> AnswerUnusable:
    return AnswerUnusable(
        f"the gateway's answer is no chat completion ({reason})",
        mend="check what its endpoint serves under /chat/completions",
    )


def _rejects_form(error: openai.OpenAIError) -> TypeGuard[openai.APIStatusError]:
    """Whether it is the form that an endpoint will not take, and not what is asked."""
    if not isinstance(error, openai.APIStatusError):
        return False
    text = error.response.text.lower()
    match translated(error):
        case RequestRefused():
            return any(word in text for word in _FORM_WORDS)
        case UpstreamFailed():
            return any(word in text for word in _SURE_FORM_WORDS)
    return False


def _telling(chat_model: BaseChatModel) -> BaseChatModel:
    """Return the model so that its answers carry the headers, which name the endpoint."""
    if "include_response_headers" not in type(chat_model).model_fields:
        return chat_model
    return chat_model.model_copy(update={"include_response_headers": True})


def _place(chat_model: BaseChatModel, headers: Mapping[str, str]) -> Place:
    asked = str(getattr(chat_model, "model_name", ""))
    return Place(headers.get("x-gw-endpoint", ""), headers.get("x-gw-model") or asked)


def _caller(chat_model: BaseChatModel) -> str:
    headers = getattr(chat_model, "default_headers", None) or {}
    return f"{getattr(chat_model, 'model_name', '')} {headers.get(TASK_HEADER, '')}"
