"""Reads a Chat Completions request into values, so that each dialect only has to write.

Refused, so that an endpoint can be asked that knows them: several answers at once (``n``), log
probabilities, sound, files, web search, tools that are no functions, the old ``functions``.
Dropped, because they only file, bill, cache or tune a call: ``user``, ``metadata``, ``store``,
``service_tier``, ``stream_options``, ``prompt_cache_*``, ``safety_identifier``, ``logit_bias``,
``prediction``, ``name`` of a message, and what is no field of the API. A dialect that has a word
for one of these finds it in ``payload``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway_client import wire
from gateway_client.dialects import shapes
from gateway_client.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway_client.dialects.shapes import Payload

_DATA_URL: Final = re.compile(r"data:(?P<media_type>[\w.+/-]+);base64,(?P<data>.*)", re.DOTALL)
_WEB: Final = ("http://", "https://")

_ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_CHOICES: Final = ("auto", "none", "required")
_UNSAYABLE: Final = ("logprobs", "audio", "web_search_options", "functions", "function_call")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: base64 ``data`` of a ``media_type``, or else an address in the web."""

    url: str
    media_type: str = ""
    data: str = ""
    detail: str = ""


Piece = str | Image


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function; ``signature`` is what Google wants back with it."""

    id: str
    name: str
    arguments: str
    signature: str = ""

    def input(self) -> Payload:
        """Return the arguments; raise RequestRefused if they are not an object."""
        arguments = wire.payload_of((self.arguments.strip() or "{}").encode("utf-8", "replace"))
        if arguments is None:
            raise RequestRefused(f"the arguments of the call {self.id!r} are not a JSON object")
        return arguments


@dataclass(frozen=True, slots=True)
class Turn:
    """One message; a tool's ``answers`` the call with that id."""

    role: str
    pieces: tuple[Piece, ...] = ()
    calls: tuple[Call, ...] = ()
    answers: str = ""

    @property
    def text(self) -> str:
        """The texts of the message."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def images(self) -> list[Image]:
        """The pictures of the message."""
        return [piece for piece in self.pieces if isinstance(piece, Image)]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call."""

    name: str
    description: str
    parameters: Payload
    strict: bool


@dataclass(frozen=True, slots=True)
class Form:
    """JSON is asked for; any object if there is no schema."""

    name: str = ""
    schema: Payload | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; ``choice`` is auto, none, required, or named, which is the tool ``chosen``."""

    payload: Payload
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...]
    choice: str
    chosen: str
    form: Form | None
    stop: tuple[str, ...]
    max_tokens: int

    @property
    def system(self) -> str:
        """What the system says, wherever in the conversation; nothing if it speaks alone."""
        alone = all(turn.role == "system" for turn in self.turns)
        said = (turn.text for turn in self.turns if turn.role == "system" and turn.pieces)
        return "" if alone else "\n\n".join(said)

    @property
    def conversation(self) -> tuple[Turn, ...]:
        """The turns of the others; a system that speaks alone is a user."""
        others = tuple(turn for turn in self.turns if turn.role != "system")
        return others or tuple(replace(turn, role="user") for turn in self.turns)

    @property
    def effort(self) -> str:
        """How hard the model is to think, if the caller says so."""
        return shapes.text(self.payload.get("reasoning_effort"))

    @property
    def streamed(self) -> bool:
        """Whether a stream is asked for."""
        return self.payload.get("stream") is True

    def kept(self, **names: str) -> Payload:
        """Return the fields that are said under another name, or the same, if they are given."""
        return {
            theirs: self.payload[ours]
            for theirs, ours in names.items()
            if self.payload.get(ours) is not None
        }


def read(payload: Payload) -> Asked:
    """Read a request; raise RequestRefused for what cannot be said in other protocols."""
    _refuse_unsayable(payload)
    choice, chosen = _choice(payload.get("tool_choice"))
    turns = tuple(_turn(message) for message in _objects(payload.get("messages"), "messages"))
    if not turns:
        raise RequestRefused("messages is empty", mend="say something")
    return Asked(
        payload=payload,
        turns=turns,
        tools=tuple(_tool(tool) for tool in _objects(payload.get("tools"), "tools")),
        choice=choice,
        chosen=chosen,
        form=_form(shapes.record(payload.get("response_format"))),
        stop=_stop(payload.get("stop")),
        max_tokens=shapes.count(payload.get("max_completion_tokens"))
        or shapes.count(payload.get("max_tokens")),
    )


def alternating(said: Iterable[tuple[str, list[Payload]]]) -> list[tuple[str, list[Payload]]]:
    """Join what one side says in a row; a turn without content is no turn.

    Raises RequestRefused if nothing is left.
    """
    turns: list[tuple[str, list[Payload]]] = []
    for role, content in said:
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(content)
        elif content:
            turns.append((role, list(content)))
    if not turns:
        raise RequestRefused("the messages hold no content", mend="say something")
    return turns


def _refuse_unsayable(payload: Payload) -> None:
    unsayable = [name for name in _UNSAYABLE if payload.get(name)]
    if payload.get("n") not in (None, 1):
        unsayable.append("n")
    if "audio" in shapes.rows(payload.get("modalities")):
        unsayable.append("modalities")
    if unsayable:
        raise RequestRefused(
            f"{', '.join(unsayable)} cannot be said in the endpoint's protocol",
            mend="leave it out, or ask an endpoint that speaks Chat Completions",
        )


def _objects(value: object, name: str) -> list[Payload]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RequestRefused(f"{name} is not a list of objects")
    return value


def _turn(message: Payload) -> Turn:
    role = _ROLES.get(shapes.text(message.get("role")))
    if role is None:
        raise RequestRefused(f"a message has the role {message.get('role')!r}")
    answers = shapes.text(message.get("tool_call_id"))
    if role == "tool" and not answers:
        raise RequestRefused("a tool's message has no tool_call_id")
    calls = _objects(message.get("tool_calls"), "tool_calls")
    return Turn(role, _pieces(message), tuple(_call(call) for call in calls), answers)


def _pieces(message: Payload) -> tuple[Piece, ...]:
    content = message.get("content") or message.get("refusal") or ""
    if isinstance(content, str):
        return (content,) if content.strip() else ()
    pieces = (_piece(part) for part in _objects(content, "content"))
    return tuple(piece for piece in pieces if not isinstance(piece, str) or piece.strip())


def _piece(part: Payload) -> Piece:
    match part.get("type"):
        case "text":
            return shapes.text(part.get("text"))
        case "refusal":
            return shapes.text(part.get("refusal"))
        case "image_url":
            return _image(part.get("image_url"))
    raise RequestRefused(
        f"a message holds {part.get('type')!r}, which cannot be said in the endpoint's protocol",
        mend="send text and images only",
    )


def _image(value: object) -> Image:
    said = shapes.record(value)
    url = value if isinstance(value, str) else shapes.text(said.get("url"))
    detail = shapes.text(said.get("detail"))
    if found := _DATA_URL.fullmatch(url):
        return Image(url, found["media_type"], found["data"], detail)
    if url.startswith(_WEB):
        return Image(url, detail=detail)
    raise RequestRefused("an image has neither a web address nor base64 data")


def _call(call: Payload) -> Call:
    function = shapes.record(call.get("function"))
    called, name = shapes.text(call.get("id")), shapes.text(function.get("name"))
    if not called or not name:
        raise RequestRefused("a tool call has no id, or calls no function")
    google = shapes.record(shapes.record(call.get("extra_content")).get("google"))
    signature = shapes.text(google.get("thought_signature"))
    return Call(called, name, shapes.text(function.get("arguments")), signature)


def _tool(tool: Payload) -> Tool:
    function = shapes.record(tool.get("function"))
    name = shapes.text(function.get("name"))
    if tool.get("type") != "function" or not name:
        raise RequestRefused("a tool is not a function with a name")
    return Tool(
        name,
        shapes.text(function.get("description")),
        shapes.record(function.get("parameters")) or {"type": "object", "properties": {}},
        function.get("strict") is True,
    )


def _choice(value: object) -> tuple[str, str]:
    if value is None:
        return "auto", ""
    if isinstance(value, str) and value in _CHOICES:
        return value, ""
    name = shapes.text(shapes.record(shapes.record(value).get("function")).get("name"))
    if not name:
        raise RequestRefused(f"tool_choice is {json.dumps(value)[:80]}")
    return "named", name


def _form(said: Payload) -> Form | None:
    match said.get("type"):
        case None | "text":
            return None
        case "json_object":
            return Form()
        case "json_schema":
            wanted = shapes.record(said.get("json_schema"))
            name = shapes.text(wanted.get("name")) or "answer"
            return Form(name, shapes.record(wanted.get("schema")), wanted.get("strict") is True)
    raise RequestRefused(f"response_format is of the type {said.get('type')!r}")


def _stop(value: object) -> tuple[str, ...]:
    said = [value] if isinstance(value, str) else shapes.rows(value)
    return tuple(text for text in said if isinstance(text, str) and text)
