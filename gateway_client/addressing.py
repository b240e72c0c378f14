"""Addresses a call to one lane: in its endpoint's dialect, with its key, nothing of ours."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from gateway_client.exchange import ROUTED, TASK_FIELD, Call, Send, Trial
from gateway_client.gathering import Gathering
from gateway_client.streaming import Relay

if TYPE_CHECKING:
    from gateway_client import wire
    from gateway_client.catalog import Endpoint, Model
    from gateway_client.config import Policy
    from gateway_client.dialects import Dialect
    from gateway_client.pool import Lane

_NOT_SENT: Final = {
    "host", "content-length", "transfer-encoding", "connection", "authorization", "cookie",
}  # fmt: skip
_RENAMED: Final = ("gpt-5*", "o[134]*")
"""Models that take no max_tokens any more; most other servers know no other name for it."""

_SENT_ABROAD: Final = ("accept-encoding", "content-type", "user-agent")
"""Headers for endpoints of another dialect; what else an OpenAI client says is not for them."""


def send(
    trial: Trial,
    lane: Lane,
    policy: Policy,
    seconds: float,
    *,
    gathered: bool,
    known: Model | None = None,
) -> Send:
    """Address the call to one lane: its URL, its key, the chosen model, no header of ours.

    If it is ``gathered``, a stream is asked for in place of an answer in one piece. What is
    ``known`` of the model bounds the answer, where the caller does not. Raises
    RequestRefused if the call cannot be said in the endpoint's dialect.
    """
    call = trial.call
    spoken = dialect_of(lane.endpoint)
    streamed = trial.streamed or gathered
    target, body = _said(trial, spoken, _changes(trial, known, gathered=gathered))
    return Send(
        lane=lane,
        method=call.method,
        url=lane.endpoint.base_url + target,
        headers=_headers(call, lane, spoken),
        body=body,
        relay=_relay(trial, spoken, policy, gathered=gathered) if streamed else None,
        seconds=min(seconds, policy.first_content_seconds) if streamed else seconds,
        idle_seconds=policy.idle_seconds,
        most_bytes=policy.answer_bytes,
        last_seconds=seconds if trial.hurried else policy.whole_seconds,
        hedge=None if call.only_once or call.method != "POST" else policy.hedge_seconds,
    )


def dialect_of(endpoint: Endpoint) -> Dialect | None:
    """Return what translates for the endpoint; None if it speaks Chat Completions itself."""
    if endpoint.dialect == "openai":
        return None
    if not isinstance(endpoint.dialect, str):
        return endpoint.dialect
    from gateway_client import dialects  # noqa: PLC0415 - most pools never need a translator

    return dialects.dialect(endpoint.dialect)


def _said(trial: Trial, spoken: Dialect | None, changes: wire.Payload) -> tuple[str, bytes]:
    """Return the path and the body for an endpoint."""
    call = trial.call
    if spoken is not None and call.name == ROUTED:
        target, payload = spoken.outgoing(_asked(trial, changes), trial.model)
        return target, json.dumps(payload).encode()
    if not changes and TASK_FIELD not in trial.payload:
        return call.target, call.body
    return call.target, json.dumps(_asked(trial, changes)).encode()


def _changes(trial: Trial, known: Model | None, *, gathered: bool) -> wire.Payload:
    """Return what is to be said otherwise than the caller did: the model, and to tell usage."""
    changes: wire.Payload = {"stream": True} if gathered else {}
    if trial.model and trial.payload.get("model") != trial.model:
        changes["model"] = trial.model
    if (trial.streamed or gathered) and trial.call.name == ROUTED and not trial.wants_usage:
        options = trial.payload.get("stream_options")
        told = options if isinstance(options, dict) else {}
        changes["stream_options"] = {**told, "include_usage": True}
    if known and known.max_output and trial.call.name == ROUTED and _is_unbounded(trial.payload):
        renamed = any(fnmatchcase(trial.model, pattern) for pattern in _RENAMED)
        changes["max_completion_tokens" if renamed else "max_tokens"] = known.max_output
    return changes


def _is_unbounded(payload: wire.Payload) -> bool:
    return payload.get("max_tokens") is None and payload.get("max_completion_tokens") is None


def _asked(trial: Trial, changes: wire.Payload) -> wire.Payload:
    asked = {**trial.payload, **changes}
    asked.pop(TASK_FIELD, None)
    return asked


def _headers(call: Call, lane: Lane, spoken: Dialect | None) -> dict[str, str]:
    secret = lane.key.secret if lane.key else None
    if spoken is not None:
        kept = {name: call.headers[name] for name in _SENT_ABROAD if name in call.headers}
        return {**kept, **spoken.headers(secret)}
    headers = {
        name: value
        for name, value in call.headers.items()
        if name not in _NOT_SENT and not name.startswith("x-gw-")
    }
    if secret:
        headers["authorization"] = f"Bearer {secret}"
    return headers


def _relay(trial: Trial, spoken: Dialect | None, policy: Policy, *, gathered: bool) -> Relay:
    translates = spoken is not None and trial.call.name == ROUTED
    return Relay(
        trial.prompt_tokens,
        translator=spoken.stream(trial.model, include_usage=True)
        if spoken and translates
        else None,
        gathering=Gathering() if gathered else None,
        hide_usage=trial.call.name == ROUTED and not trial.wants_usage,
        most_bytes=policy.answer_bytes,
    )
