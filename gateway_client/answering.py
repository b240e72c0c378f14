"""Makes of what arrived, or of our own refusal, what the caller gets."""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway_client import wire
from gateway_client.addressing import dialect_of
from gateway_client.exchange import LANE_HEADER, ROUTED, Answer, Trial
from gateway_client.faults import Arrived

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from gateway_client.errors import GatewayError
    from gateway_client.faults import Outcome
    from gateway_client.pool import Lane

_NOT_RETURNED: Final = {
    "content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie",
}  # fmt: skip


def understood(trial: Trial, lane: Lane, outcome: Outcome) -> Outcome:
    """Return the outcome in the words of OpenAI, whatever the endpoint speaks."""
    if not isinstance(outcome, Arrived) or outcome.body is None or outcome.understood:
        return outcome
    spoken = dialect_of(lane.endpoint)
    if spoken is None or trial.call.name != ROUTED:
        return outcome
    try:
        failed = outcome.status >= HTTPStatus.MULTIPLE_CHOICES
        body = b"" if failed else spoken.answer(outcome.body, trial.model)
    except ValueError:
        failed, body = True, b""
    body = spoken.error(outcome.status, outcome.body) if failed else body
    return replace(outcome, body=body, understood=True)


def usage(trial: Trial, arrived: Arrived) -> wire.Usage:
    """Return what an answer used, as reported or else estimated."""
    payload = arrived.payload or {}
    found = wire.reported_usage(payload)
    if found is None:
        written = wire.tokens(wire.written_text(payload))
        found = wire.Usage(trial.prompt_tokens, written, estimated=True)
    if trial.call.name.startswith("/images/"):
        made = payload.get("data")
        return found._replace(images=len(made) if isinstance(made, list) else 0)
    if trial.call.name == "/videos":
        return found._replace(video_seconds=wire.seconds(payload) or wire.seconds(trial.payload))
    return found


def returned(arrived: Arrived) -> dict[str, str]:
    """Return the headers that still hold once the body is decoded."""
    return {k: v for k, v in arrived.headers.items() if k.lower() not in _NOT_RETURNED}


def told(trial: Trial) -> dict[str, str]:
    """Say in the answer's headers what was decided and what it took."""
    return {
        "x-gw-model": _header(trial.model),
        "x-gw-endpoint": _header(trial.lane.endpoint.name if trial.lane else ""),
        LANE_HEADER: _header(trial.lane.label if trial.lane else ""),
        "x-gw-attempts": str(trial.attempts),
        "x-gw-reason": _header(trial.decision.reason),
    }


def cost_header(usd: Decimal | None) -> dict[str, str]:
    """Say what the answer cost, if that is known."""
    return {} if usd is None else {"x-gw-cost-usd": f"{usd:f}"}


def _header(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def refusal(error: GatewayError, headers: Mapping[str, str]) -> Answer:
    """Answer in an endpoint's place, in the form that clients of the protocol expect."""
    told = {"message": str(error), "type": type(error).__name__, "param": None, "code": None}
    body = json.dumps({"error": told}).encode()
    return Answer(error.status, {"content-type": "application/json", **headers}, body, error=error)
