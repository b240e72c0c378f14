"""Chat Completions in the words of Gemini's generateContent; the base URL ends in /v1beta.

Beyond what ``asked`` refuses and drops: refused are images in a tool's result, and JSON together
with tools where Gemini knows only one of them (before 3); dropped are ``parallel_tool_calls``,
``strict`` and ``verbosity``, and ``reasoning_effort`` for models that do not think. Thoughts, made
images and the signatures of texts are not handed on; the signature of a call is, in
``extra_content.google.thought_signature``, where Google's own compatible address has it too.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from gateway_client.dialects import asked, chat, schemas, shapes, stream
from gateway_client.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client.dialects.asked import Asked, Call, Image, Turn
    from gateway_client.dialects.shapes import Payload

UNSIGNED: Final = "skip_thought_signature_validator"
"""What Google takes for the signature of a call whose own was lost, or that others have made."""

_VERSION: Final = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_NEWEST: Final = (99, 0)
_THINKS_SINCE: Final = (2, 5)
_LEVELS_SINCE: Final = (3, 0)
"""From here on calls have to be signed, too, and JSON goes together with tools."""

_LEVELS: Final = {"low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH"}
_BUDGETS: Final = {
    "none": 0, "minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576,
}  # fmt: skip
"""Tokens to think with; the numbers are those of Google's own compatible address."""
_LEAST_BUDGET_OF_PRO: Final = 128

_MODES: Final = {"none": "NONE", "required": "ANY", "named": "ANY"}

_IMAGES: Final = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp",
    "gif": "image/gif", "heic": "image/heic", "heif": "image/heif",
}  # fmt: skip

_SUBSET: Final = schemas.Subset(
    keywords=frozenset(
        "$anchor $defs $id $ref additionalProperties anyOf description enum format items maxItems"
        " maximum minItems minimum oneOf prefixItems properties propertyOrdering required title"
        " type".split()
    ),
    spelled=(("definitions", "$defs"),),
)

_FINISHES: Final = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        "SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII MODEL_ARMOR IMAGE_SAFETY"
        " IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION".split(),
        "content_filter",
    ),
}
"""The other reasons, such as a malformed function call, mean that there is no proper answer."""

_CODES: Final = {
    "UNAUTHENTICATED": "invalid_api_key",
    "RESOURCE_EXHAUSTED": "rate_limit_exceeded",
}


class Google:
    """The generateContent API."""

    def outgoing(self, payload: Payload, model: str) -> tuple[str, Payload]:
        """Return the path and the payload; raise RequestRefused for what cannot be said."""
        request = asked.read(payload)
        version = _version(model)
        alone = all(turn.role == "system" for turn in request.turns)
        return _path(model, streamed=request.streamed), {
            "contents": _contents(request, signed=version is not None and version >= _LEVELS_SINCE),
            **shapes.given(
                systemInstruction=_instruction("" if alone else request.system),
                generationConfig=_generation(request, model, version),
            ),
            **_tools(request, version),
        }

    def headers(self, secret: str | None) -> dict[str, str]:
        """Return the header with the key."""
        return {"x-goog-api-key": secret} if secret else {}

    def answer(self, body: bytes, model: str) -> bytes:
        """Return a whole answer; raise ValueError if it is none."""
        said = shapes.parsed(body)
        finish = _finish(said)
        if not finish:
            raise ValueError("it holds no candidate that has ended")
        id = shapes.text(said.get("responseId"))  # noqa: A001 - the API's own word
        reply = chat.Reply(id, shapes.text(said.get("modelVersion")) or model)
        for part in _parts(said):
            reply.text += shapes.text(part.get("text"))
            if "functionCall" in part:
                reply.calls.append(_call(part, id, len(reply.calls)))
        reply.refusal = _refusal(said) if finish == "content_filter" else ""
        return reply.completion(_ended(finish, any_call=bool(reply.calls)), _counts(said))

    def error(self, status: int, body: bytes) -> bytes:
        """Return an error as OpenAI words it."""
        return chat.written(_error(chat.told(status, body)))

    def stream(self, model: str, *, include_usage: bool) -> stream.Translation:
        """Return a translator for one streamed answer."""
        return stream.Translation(_Events(model), include_usage=include_usage)


DIALECT: Final = Google()


def _version(model: str) -> tuple[int, int] | None:
    """Return which Gemini it is; None for the others that speak this protocol too."""
    if "gemini" not in model:
        return None
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else _NEWEST


def _path(model: str, *, streamed: bool) -> str:
    place = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
    verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
    return f"/{quote(place)}:{verb}"


def _instruction(system: str) -> Payload:
    return {"parts": [_text(system)]} if system else {}


def _contents(request: Asked, *, signed: bool) -> list[Payload]:
    """Return the turns; results of parallel calls stand together, and apart from a user's words."""
    names = {call.id: call.name for turn in request.turns for call in turn.calls}
    said = ((turn.role, _said(turn, names, signed=signed)) for turn in request.conversation)
    return [
        {"role": "model" if role == "assistant" else "user", "parts": parts}
        for role, parts in asked.alternating(said)
    ]


def _said(turn: Turn, names: dict[str, str], *, signed: bool) -> list[Payload]:
    if turn.role == "tool":
        return [_result(turn, names)]
    said = [_text(piece) if isinstance(piece, str) else _image(piece) for piece in turn.pieces]
    calls = [_called(call) for call in turn.calls]
    if signed and calls:
        calls[0] = {"thoughtSignature": UNSIGNED, **calls[0]}  # of parallel calls only the first
    return said + calls


def _text(text: str) -> Payload:
    return {"text": text}


def _called(call: Call) -> Payload:
    said: Payload = {"id": call.id, "name": call.name, "args": call.input()}
    return {"functionCall": said, **shapes.given(thoughtSignature=call.signature)}


def _result(turn: Turn, names: dict[str, str]) -> Payload:
    """Return a tool's result, which has to be an object and to name the tool."""
    if turn.answers not in names:
        raise RequestRefused(f"a tool's message answers {turn.answers!r}, which nobody has called")
    if turn.images:
        raise RequestRefused("a tool's result holds an image", mend="let a user's message hold it")
    name, response = names[turn.answers], _response(turn.text)
    return {"functionResponse": {"id": turn.answers, "name": name, "response": response}}


def _response(text: str) -> Payload:
    """Return a result as it is if it is an object that every reader of JSON can read."""
    try:
        response = shapes.parsed(text.encode())
        json.dumps(response, allow_nan=False)
    except ValueError:
        return {"output": text}
    return response


def _image(image: Image) -> Payload:
    if image.data:
        media_type = image.media_type.replace("image/jpg", "image/jpeg")
        return {"inlineData": {"mimeType": media_type, "data": image.data}}
    ending = urlsplit(image.url).path.rpartition(".")[2].lower()
    return {"fileData": {"fileUri": image.url, **shapes.given(mimeType=_IMAGES.get(ending))}}


def _generation(request: Asked, model: str, version: tuple[int, int] | None) -> Payload:
    kept = request.kept(
        temperature="temperature",
        topP="top_p",
        seed="seed",
        presencePenalty="presence_penalty",
        frequencyPenalty="frequency_penalty",
    )
    more = shapes.given(
        maxOutputTokens=request.max_tokens or None,
        stopSequences=list(request.stop),
        thinkingConfig=_thinking(request.effort, version, pro="pro" in model),
    )
    return {**kept, **more, **_form(request)}


def _form(request: Asked) -> Payload:
    if request.form is None:
        return {}
    schema = _schema(request.form.schema) if request.form.schema else None
    return {"responseMimeType": "application/json", **shapes.given(responseJsonSchema=schema)}


def _thinking(effort: str, version: tuple[int, int] | None, *, pro: bool) -> Payload:
    """Return how much to think: a level, of which Pro lacks the least, or before 3 tokens."""
    if effort not in _BUDGETS or version is None or version < _THINKS_SINCE:
        return {}
    if version >= _LEVELS_SINCE:
        return {"thinkingLevel": _LEVELS.get(effort, "LOW" if pro else "MINIMAL")}
    return {"thinkingBudget": max(_BUDGETS[effort], _LEAST_BUDGET_OF_PRO if pro else 0)}


def _tools(request: Asked, version: tuple[int, int] | None) -> Payload:
    if not request.tools:
        return {}
    if request.form and version and version < _LEVELS_SINCE:
        if request.choice == "none":
            return {}
        raise RequestRefused("this Gemini cannot be given tools and asked for JSON at once")
    declared = [
        shapes.given(
            name=tool.name,
            description=tool.description,
            parametersJsonSchema=_schema(tool.parameters),
        )
        for tool in request.tools
    ]
    return {"tools": [{"functionDeclarations": declared}], **_choice(request)}


def _choice(request: Asked) -> Payload:
    if request.choice == "auto":
        return {}
    names = [request.chosen] if request.chosen else None
    config = shapes.given(mode=_MODES[request.choice], allowedFunctionNames=names)
    return {"toolConfig": {"functionCallingConfig": config}}


def _schema(schema: Payload) -> Payload:
    return shapes.record(_alone(_SUBSET.reduced(schema)))


def _alone(value: object) -> object:
    """Return a schema in which nothing stands beside a reference, which Google refuses."""
    if isinstance(value, list):
        return [_alone(item) for item in value]
    if not isinstance(value, dict):
        return value
    more = {key: _alone(item) for key, item in value.items() if key != "$ref"}
    reference = value.get("$ref")
    if not isinstance(reference, str):
        return {key: _alone(item) for key, item in value.items()}
    alone: Payload = {"$ref": reference.replace("#/definitions/", "#/$defs/")}
    return {**more, "anyOf": [alone]} if more else alone


def _candidate(said: Payload) -> Payload:
    return next(iter(shapes.records(said.get("candidates"))), {})


def _parts(said: Payload) -> list[Payload]:
    """Return the parts of the answer; thoughts are left out."""
    content = shapes.record(_candidate(said).get("content"))
    return [part for part in shapes.records(content.get("parts")) if not part.get("thought")]


def _call(part: Payload, answer: str, index: int) -> Payload:
    """Return a call; Google may leave the id to the caller, and it has to tell calls apart."""
    said = shapes.record(part.get("functionCall"))
    name, arguments = shapes.text(said.get("name")), chat.json_text(shapes.record(said.get("args")))
    if not name:
        raise ValueError("it calls a function without a name")
    made = hashlib.sha256(json.dumps([answer, index, name, arguments]).encode()).hexdigest()
    call = chat.tool_call(shapes.text(said.get("id")) or f"call_{made[:24]}", name, arguments)
    signature = shapes.given(thought_signature=part.get("thoughtSignature"))
    return {**call, **({"extra_content": {"google": signature}} if signature else {})}


def _finish(said: Payload) -> str:
    """Return how the answer ended, empty if it has not; raise ValueError if it failed."""
    candidate = _candidate(said)
    if not candidate and shapes.record(said.get("promptFeedback")).get("blockReason"):
        return "content_filter"
    reason = shapes.text(candidate.get("finishReason"))
    if reason in {"", "FINISH_REASON_UNSPECIFIED"}:
        return ""
    finish = _FINISHES.get(reason)
    if finish is None:
        why = shapes.text(candidate.get("finishMessage"))
        raise ValueError(f"it ended with {reason}" + (f": {why}" if why else ""))
    return finish


def _ended(finish: str, *, any_call: bool) -> str:
    return "tool_calls" if any_call and finish == "stop" else finish


def _refusal(said: Payload) -> str:
    feedback = shapes.record(said.get("promptFeedback"))
    return shapes.text(_candidate(said).get("finishMessage")) or shapes.text(
        feedback.get("blockReasonMessage")
    )


def _counts(said: Payload) -> chat.Counts | None:
    """Read the tokens; the API counts thoughts, and what its own tools have read, apart."""
    usage = shapes.record(said.get("usageMetadata"))
    if not usage:
        return None
    thoughts = shapes.count(usage.get("thoughtsTokenCount"))
    return chat.Counts(
        shapes.count(usage.get("promptTokenCount"))
        + shapes.count(usage.get("toolUsePromptTokenCount")),
        shapes.count(usage.get("candidatesTokenCount")) + thoughts,
        cached=shapes.count(usage.get("cachedContentTokenCount")),
        reasoning=thoughts,
    )


def _error(said: Payload) -> Payload:
    kind, message = shapes.text(said.get("status")), shapes.text(said.get("message"))
    code = _CODES.get(kind)
    if kind == "NOT_FOUND" and "models/" in message:
        code = "model_not_found"
    reasons = [detail.get("reason") for detail in shapes.records(said.get("details"))]
    if "API_KEY_INVALID" in reasons:  # which is a 400, as if the request were wrong
        code = "invalid_api_key"
    delays = [detail.get("retryDelay") for detail in shapes.records(said.get("details"))]
    delay = next((delay for delay in delays if isinstance(delay, str)), None)
    return chat.error(message, kind, code, **({"retry_delay": delay} if delay else {}))


class _Events:
    """Understands the events of one stream, each of which is a whole answer with a piece in it.

    No event says that it is the last, so how the answer ended is kept until the stream is over.
    """

    def __init__(self, model: str) -> None:
        self.chunks = chat.Chunks(model)
        self.counts: chat.Counts | None = None
        self.finished = False
        self.over = False
        self._usage: Payload = {}
        self._begun = False
        self._calls = 0
        self._finish = ""
        self._refusal = ""

    def read(self, event: Payload) -> Iterator[Payload]:
        """Yield what one event means."""
        if "error" in event:
            yield _error(chat.reason(event))
        else:
            yield from self._answer(event)

    def last(self) -> Iterator[Payload]:
        """Yield how the answer ended, if it has."""
        if not self._finish:
            return
        self.finished = True
        refusal = self._refusal if self._finish == "content_filter" else ""
        finish = _ended(self._finish, any_call=self._calls > 0)
        yield self.chunks.chunk(shapes.given(refusal=refusal), finish)

    def _answer(self, event: Payload) -> Iterator[Payload]:
        self._count(event)
        if not self._begun:
            self._begun = True
            id, model = event.get("responseId"), event.get("modelVersion")  # noqa: A001 - likewise
            yield self.chunks.begin(shapes.text(id), shapes.text(model))
        parts = _parts(event)
        for part in parts:
            yield from self._piece(part)
        self._finish = _finish(event) or ("" if parts else self._finish)
        self._refusal = _refusal(event) or self._refusal

    def _count(self, said: Payload) -> None:
        """Remember the counts, which are cumulative and not always all there."""
        self._usage.update(shapes.record(said.get("usageMetadata")))
        self.counts = _counts({"usageMetadata": self._usage})

    def _piece(self, part: Payload) -> Iterator[Payload]:
        if text := shapes.text(part.get("text")):
            yield self.chunks.text(text)
        if "functionCall" in part:
            yield self.chunks.call(self._calls, _call(part, self.chunks.id, self._calls))
            self._calls += 1
