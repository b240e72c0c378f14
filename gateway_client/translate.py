"""Turns the exceptions of the openai SDK into ours; the one place that knows both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import openai

from gateway_client import overflow
from gateway_client.errors import (
    AnswerUnusable,
    ContextExceeded,
    GatewayError,
    KeyRefused,
    RateLimited,
    RequestRefused,
    TimedOut,
    Unreachable,
    UpstreamFailed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_CLASS: Final[tuple[tuple[type[openai.OpenAIError], type[GatewayError], str, str], ...]] = (
    (openai.AuthenticationError, KeyRefused, "refused the key", "check GATEWAY_API_KEY"),
    (openai.PermissionDeniedError, KeyRefused, "refused the key", "check GATEWAY_API_KEY"),
    (openai.RateLimitError, RateLimited, "takes no more requests for now", "wait"),
    (openai.APITimeoutError, TimedOut, "did not answer in time", "try again later"),
    (openai.APIConnectionError, Unreachable, "cannot be reached", "check GATEWAY_BASE_URL"),
    (
        openai.NotFoundError,
        UpstreamFailed,
        "has no such address",
        "check GATEWAY_BASE_URL, which usually ends in /v1",
    ),
    (openai.InternalServerError, UpstreamFailed, "failed", "try again later"),
    (openai.APIStatusError, RequestRefused, "refused the request", ""),
)
"""The first that fits counts, so a class comes before those it is derived from."""


def translated(error: openai.OpenAIError) -> GatewayError:
    """Return what the exception means, preferring what our own transport knows about it."""
    carried = next(_carried(error), None)
    if carried is not None:
        return carried
    if isinstance(error, openai.LengthFinishReasonError | openai.ContentFilterFinishReasonError):
        return AnswerUnusable(
            "the answer was cut off before its end", mend="allow more tokens or ask for less"
        )
    for theirs, ours, what, mend in _BY_CLASS:
        if isinstance(error, theirs):
            if ours is RequestRefused and isinstance(error, openai.APIStatusError):
                too_long = overflow.told(error.response.text)
                if too_long is not None:
                    return _exceeded(error, too_long)
            return ours(f"the gateway {_where(error)}{what}{_detail(error)}", mend=mend)
    said = f": {error.message}" if isinstance(error, openai.APIError) else ""
    return UpstreamFailed(f"the gateway's answer made no sense: {type(error).__name__}{said}")


def _exceeded(error: openai.APIStatusError, told: overflow.Overflow) -> ContextExceeded:
    exceeded = ContextExceeded(
        f"the gateway {_where(error)}refused the prompt as too long{_detail(error)}",
        mend="ask for less, or say in gateway.toml how much context the model really has",
    )
    exceeded.tokens, exceeded.limit = told
    return exceeded


def _carried(error: BaseException) -> Iterator[GatewayError]:
    """Find the error our transport attached to its response, or raised as the cause."""
    response = getattr(error, "response", None)
    attached = getattr(response, "extensions", {}).get("gateway_error")
    if isinstance(attached, GatewayError):
        yield attached
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, GatewayError):
            yield cause
        cause = cause.__cause__


def _where(error: openai.OpenAIError) -> str:
    if not isinstance(error, openai.APIError):
        return ""
    if isinstance(error, openai.APIStatusError) and "x-gw-endpoint" in error.response.headers:
        return f"{error.response.headers['x-gw-endpoint']} "
    return f"at {error.request.url.scheme}://{error.request.url.netloc.decode()} "


def _detail(error: openai.OpenAIError) -> str:
    if not isinstance(error, openai.APIStatusError):
        return ""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    excerpt = " ".join(str(said or "").split())[:200]
    return f" ({error.status_code}{', ' if excerpt else ''}{excerpt})"
