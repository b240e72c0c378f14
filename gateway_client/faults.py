"""Reads an endpoint's outcome: an answer, or a fault of a kind that decides what happens next."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from gateway_client import wire
from gateway_client.errors import (
    GatewayError,
    KeyRefused,
    QuotaSpent,
    RateLimited,
    TimedOut,
    UnknownModel,
    Unreachable,
    UpstreamFailed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway_client.pool import Lane

EXCERPT_CHARACTERS: Final = 200

_UNKNOWN_MODEL: Final = re.compile(
    r"model\b.{0,80}\b(not found|not exist)"
    r"|(unknown|invalid|no such) model\b|not a valid model|does not have access to model",
    re.IGNORECASE,
)

_DELAY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")

_OF_THE_LANE: Final = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.PAYMENT_REQUIRED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
}

_WORDS: Final = {
    "rate_limit_exceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "rate_limit_error": HTTPStatus.TOO_MANY_REQUESTS,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "insufficient_quota": HTTPStatus.PAYMENT_REQUIRED,
    "billing_error": HTTPStatus.PAYMENT_REQUIRED,
    "invalid_api_key": HTTPStatus.UNAUTHORIZED,
    "authentication_error": HTTPStatus.UNAUTHORIZED,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "permission_error": HTTPStatus.FORBIDDEN,
    "model_not_found": HTTPStatus.NOT_FOUND,
    "not_found_error": HTTPStatus.NOT_FOUND,
}
"""What vendors call the errors that also have a status, for where they come after a 200."""


class Kind(Enum):
    """What a fault means for the next attempt."""

    LIMITED = "limited"
    QUOTA = "quota"
    REFUSED = "refused"
    UNKNOWN_MODEL = "unknown model"
    BROKEN = "broken"


_UNREAD: Final = object()


@dataclass(slots=True)
class Arrived:
    """A response; ``body`` is None if it is a stream that has brought its first content.

    ``understood`` says that the body is in OpenAI's words already.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    understood: bool = False
    _payload: object = field(default=_UNREAD, init=False, repr=False, compare=False)

    @property
    def payload(self) -> wire.Payload | None:
        """The JSON object in the body, if there is one; read once."""
        if self._payload is _UNREAD:
            self._payload = wire.payload_of(self.body or b"")
        return cast("wire.Payload | None", self._payload)


@dataclass(frozen=True, slots=True)
class Lost:
    """No response, or not all of it; ``unsent`` if nothing can have reached the endpoint."""

    why: str
    timed_out: bool = False
    unsent: bool = False


Outcome = Arrived | Lost


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt failed; ``retry_after`` is in seconds, if the endpoint said so."""

    kind: Kind
    error: GatewayError
    retry_after: float | None = None


def fault_in(outcome: Outcome, lane: Lane, model: str) -> Fault | None:
    """Return what went wrong; None for an answer, which includes a refusal of the request."""
    where = f"the gateway at {lane.endpoint.base_url}"
    if isinstance(outcome, Lost):
        return Fault(Kind.BROKEN, _lost(where, outcome))
    if outcome.status < HTTPStatus.MULTIPLE_CHOICES:
        return _fault_in_success(outcome, where, lane, model)
    return _fault_of_status(outcome.status, outcome, where, lane, model)


def refuses_stream(outcome: Outcome) -> bool:
    """Whether an endpoint will not stream, and may answer in one piece.

    Some servers cannot, and OpenAI streams its newest models for verified organizations only.
    """
    if not isinstance(outcome, Arrived) or outcome.status in _OF_THE_LANE - {HTTPStatus.FORBIDDEN}:
        return False
    refused = HTTPStatus.BAD_REQUEST <= outcome.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not refused and outcome.status != HTTPStatus.NOT_IMPLEMENTED:
        return False
    return b"stream" in (outcome.body or b"").lower()


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait by ``Retry-After``: a number, or a date (RFC 9110 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value)) if value[:1].isdigit() else _seconds_until(value, now)
    except ValueError:
        return None


def _seconds_until(date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(date)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _lost(where: str, lost: Lost) -> GatewayError:
    if lost.timed_out:
        return TimedOut(f"{where} did not answer in time", mend="try again later")
    mend = "check GATEWAY_BASE_URL and the network"
    return Unreachable(f"{where} cannot be reached ({lost.why})", mend=mend)


def _fault_in_success(arrived: Arrived, where: str, lane: Lane, model: str) -> Fault | None:
    """Find the errors that hide behind a 200; calls that name no model may answer anything."""
    if arrived.body is None or not model:
        return None
    payload = arrived.payload
    if payload is None:
        error = UpstreamFailed(f"{where} answered {arrived.status}, but not with a JSON object")
        return Fault(Kind.BROKEN, error)
    hidden = payload.get("error")
    if not hidden or "choices" in payload:
        return None
    code = _code_in(hidden) if isinstance(hidden, dict) else None
    if isinstance(code, int) and code > HTTPStatus.BAD_REQUEST:
        known = _fault_of_status(code, arrived, where, lane, model)
        if known is not None:
            return known
    text = f"{where} answered {arrived.status} with an error: {excerpt(arrived.body)}"
    return Fault(Kind.BROKEN, UpstreamFailed(text))


def _code_in(error: wire.Payload) -> int | None:
    """Return the status that an error would have had outside of a 200."""
    code = error.get("code")
    if isinstance(code, int):
        return code
    named = (_WORDS.get(str(error.get(key))) for key in ("code", "type", "status"))
    return next((status for status in named if status), None)


def _fault_of_status(
    status: int, arrived: Arrived, where: str, lane: Lane, model: str
) -> Fault | None:
    status = _meant(status, arrived)
    if _is_unknown_model(status, arrived):
        text = f"{where} does not have the model {model} ({status})"
        return Fault(Kind.UNKNOWN_MODEL, UnknownModel(text, mend="check the model's name"))
    if status in _OF_THE_LANE:
        return _of_the_lane(where, status, arrived, lane)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return _broken(where, status, arrived)


def _meant(status: int, arrived: Arrived) -> int:
    """Return the status that a 400 should have been: some say with it that a key is bad."""
    error = (arrived.payload or {}).get("error") if status == HTTPStatus.BAD_REQUEST else None
    named = _WORDS.get(str(error.get("code"))) if isinstance(error, dict) else None
    return named if named in _OF_THE_LANE else status


def _of_the_lane(where: str, status: int, arrived: Arrived, lane: Lane) -> Fault:
    """Read the 4xx that are about the key or the moment, and not about the request."""
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return _limited(where, arrived, lane)
        case HTTPStatus.PAYMENT_REQUIRED:
            return Fault(Kind.QUOTA, _quota_spent(where, status, lane))
        case HTTPStatus.REQUEST_TIMEOUT:
            return Fault(Kind.BROKEN, TimedOut(f"{where} gave up waiting ({status})"))
    return Fault(Kind.REFUSED, _key_refused(where, status, lane))


def _is_unknown_model(status: int, arrived: Arrived) -> bool:
    if status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        return False
    error = (arrived.payload or {}).get("error")
    if isinstance(error, dict) and error.get("code") == "model_not_found":
        return True
    message = error.get("message") if isinstance(error, dict) else error
    return isinstance(message, str) and _UNKNOWN_MODEL.search(message) is not None


def _key_refused(where: str, status: int, lane: Lane) -> KeyRefused:
    if lane.key is None:
        return KeyRefused(f"{where} wants a key ({status})", mend="set GATEWAY_API_KEY")
    text = f"{where} refused the key {lane.label} ({status})"
    return KeyRefused(text, mend=f"check {lane.key.source}")


def _quota_spent(where: str, status: int, lane: Lane) -> QuotaSpent:
    text = f"{where} says that the account of {lane.label} has no credit left ({status})"
    return QuotaSpent(text, mend="top it up, or add another key")


def _limited(where: str, arrived: Arrived, lane: Lane) -> Fault:
    if b"insufficient_quota" in (arrived.body or b""):
        return Fault(Kind.QUOTA, _quota_spent(where, HTTPStatus.TOO_MANY_REQUESTS, lane))
    mend = "wait, or add keys to the pool"
    error = RateLimited(f"{where} takes no more requests for now (429)", mend=mend)
    seconds = retry_after(arrived.headers, datetime.now(UTC))
    return Fault(Kind.LIMITED, error, _delay_in(arrived) if seconds is None else seconds)


def _delay_in(arrived: Arrived) -> float | None:
    """Return the seconds to wait that Google says in the body of a 429."""
    error = (arrived.payload or {}).get("error")
    said = _DELAY.fullmatch(str(error.get("retry_delay"))) if isinstance(error, dict) else None
    return float(said[1]) if said else None


def _broken(where: str, status: int, arrived: Arrived) -> Fault:
    """Call it their failure; if they say for how long, it is a pause instead."""
    moved = status < HTTPStatus.BAD_REQUEST
    mend = "check GATEWAY_BASE_URL: the address has moved" if moved else "try again later"
    error = UpstreamFailed(f"{where} failed ({status})", mend=mend)
    seconds = retry_after(arrived.headers, datetime.now(UTC))
    return Fault(Kind.BROKEN if seconds is None else Kind.LIMITED, error, seconds)


def excerpt(body: bytes) -> str:
    """Return the beginning of a body on one line, fit for a message."""
    text = " ".join(body[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "replace").split())
    return text if len(text) <= EXCERPT_CHARACTERS else f"{text[:EXCERPT_CHARACTERS]}…"
