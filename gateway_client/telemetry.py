"""Tells the world about each call: one log record, and one OpenTelemetry span if there is one.

Attributes are those of the GenAI semantic conventions. Neither keys nor texts are ever told.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from decimal import Decimal

    from gateway_client.pool import Lane
    from gateway_client.wire import Usage

_log = logging.getLogger("gateway_client.calls")

OPERATIONS: Final = {
    "/chat/completions": "chat",
    "/responses": "chat",
    "/embeddings": "embeddings",
    "/images/generations": "generate_content",
    "/images/edits": "generate_content",
    "/videos": "generate_content",
}
PROVIDERS: Final = {
    "openai": "openai",
    "responses": "openai",
    "anthropic": "anthropic",
    "google": "gcp.gemini",
}


@dataclass(slots=True)
class Spell:
    """One call as it is told: begun with the call, ended once."""

    span: Any = None
    ended: bool = False


class Tale(NamedTuple):
    """What there is to tell of a call; ``error`` names what went wrong, if anything did."""

    task: str
    model: str
    lane: Lane | None
    attempts: int
    reason: str
    usage: Usage | None
    usd: Decimal | None
    error: str


def begin(name: str, asked_model: str) -> Spell:
    """Begin to tell of a call."""
    tracer = _tracer()
    if tracer is None:
        return Spell()
    operation = OPERATIONS.get(name, "request")
    attributes = {"gen_ai.operation.name": operation, "gen_ai.request.model": asked_model}
    span = tracer.start_span(f"{operation} {asked_model}".strip(), attributes=attributes)
    return Spell(span if span.is_recording() else None)


def end(spell: Spell, tale: Tale) -> None:
    """Tell how the call ended; the second time does nothing."""
    if spell.ended:
        return
    spell.ended = True
    if spell.span is not None:
        _close(spell.span, _attributes(tale), tale.error)
    level = logging.INFO if tale.error or tale.attempts > 1 else logging.DEBUG
    if _log.isEnabledFor(level):
        _log.log(level, "model call: %s", tale.error or "answered", extra=_record(tale))


@cache
def _tracer() -> Any:  # noqa: ANN401 - its types are there only where the package is
    try:
        from opentelemetry import trace  # noqa: PLC0415 - optional, and 20 ms to load
    except ImportError:
        return None
    return trace.get_tracer("gateway_client")


def _attributes(tale: Tale) -> dict[str, str | int]:
    told: dict[str, str | int] = {"gen_ai.response.model": tale.model}
    if tale.lane is not None:
        url = urlsplit(tale.lane.endpoint.base_url)
        told["server.address"] = url.hostname or ""
        told["server.port"] = url.port or (443 if url.scheme == "https" else 80)
        told["gen_ai.provider.name"] = PROVIDERS.get(str(tale.lane.endpoint.dialect), "openai")
    if tale.usage is not None:
        told["gen_ai.usage.input_tokens"] = tale.usage.input_tokens
        told["gen_ai.usage.output_tokens"] = tale.usage.output_tokens
    if tale.error:
        told["error.type"] = tale.error
    return told


def _close(span: Any, attributes: dict[str, str | int], error: str) -> None:  # noqa: ANN401 - see above
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - it is there, see above

    span.set_attributes(attributes)
    if error:
        span.set_status(Status(StatusCode.ERROR, error))
    span.end()


def _record(tale: Tale) -> dict[str, object]:
    return {
        "gw_task": tale.task,
        "gw_model": tale.model,
        "gw_endpoint": tale.lane.endpoint.name if tale.lane else "",
        "gw_key": tale.lane.label if tale.lane else "",
        "gw_attempts": tale.attempts,
        "gw_reason": tale.reason,
        "gw_input_tokens": tale.usage.input_tokens if tale.usage else 0,
        "gw_output_tokens": tale.usage.output_tokens if tale.usage else 0,
        "gw_usd": None if tale.usd is None else f"{tale.usd:f}",
        "gw_error": tale.error,
    }
