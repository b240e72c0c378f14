"""Delivers to an address of the user's own: a signed POST, tried again while that may help.

The signature is ``v1=`` and the hexadecimal HMAC-SHA256 of the time stamp, a dot and the body. The
receiver computes it anew, and refuses what is older than some minutes, so that nothing that was
overheard can be sent again. The address may be private: it is the user's own, so there is no guard
against that, but no redirect is followed, as it would be somebody else's choice.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpx

from agent.adapters.retry_after import retry_after
from agent.doors.delivery.parcel import Undelivered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.doors.delivery.options import Webhook
    from agent.doors.delivery.parcel import Parcel

PAUSES: Final = (1.0, 5.0, 25.0)
"""Seconds between the attempts: a restart of the receiver is over by the last."""

LONGEST_PAUSE: Final = 60.0
"""Whoever asks to be left alone for longer gets the report another way."""

SECONDS: Final = 20.0
"""For one attempt."""

AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


async def to_webhook(
    hook: Webhook, parcel: Parcel, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Post a report; raise Undelivered if it was refused, or not taken after all attempts."""
    secret = _secret(hook)
    body = parcel.as_json()
    async with httpx.AsyncClient(timeout=SECONDS, follow_redirects=False) as client:
        for pause in (*PAUSES, None):
            problem, wanted = await _post(client, hook, body, parcel.report.run.id, secret)
            if not problem:
                return
            if pause is None:
                break
            await sleep(min(LONGEST_PAUSE, max(pause, wanted)))
    raise Undelivered(f"{len(PAUSES) + 1} attempts, the last: {problem}")


async def _post(
    client: httpx.AsyncClient, hook: Webhook, body: bytes, run_id: str, secret: bytes
) -> tuple[str, float]:
    """Return what went wrong that may go right later, and how many seconds later that may be."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": run_id}
    headers |= signature(body, secret, int(time.time())) if secret else {}
    try:
        response = await client.post(hook.url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__, 0.0
    status = response.status_code
    if response.is_success:
        return "", 0.0
    if response.is_redirect:
        mend = "set url to where it leads"
        raise Undelivered(f"it answered {status}, a redirect, which is not followed", mend=mend)
    if response.is_server_error or status in AGAIN:
        return f"it answered {status}", retry_after(response.headers.get("retry-after")) or 0.0
    raise Undelivered(f"it answered {status}")


def signature(body: bytes, secret: bytes, timestamp: int) -> dict[str, str]:
    """Return the headers by which a receiver knows that a body is ours, and when it was sent."""
    signed = hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Deep-Research-Timestamp": str(timestamp),
        "Deep-Research-Signature": f"v1={signed}",
    }


def _secret(hook: Webhook) -> bytes:
    """Return the key to sign with, empty if none is wanted; raise Undelivered if it is missing."""
    if not hook.secret_env:
        return b""
    secret = os.environ.get(hook.secret_env, "")
    if not secret:
        raise Undelivered(
            f"the variable {hook.secret_env} is not set", mend="set it, or no secret_env"
        )
    return secret.encode()
