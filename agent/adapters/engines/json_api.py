"""Asks a service that answers in JSON once, or twice if it stumbled; what it says is not judged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from agent.adapters.retry_after import retry_after
from agent.domain.text import one_line
from agent.errors import InvalidSettings, SearchFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE: Final = 5.0
"""Seconds worth waiting for within one search."""
PAUSE: Final = 0.25
"""Seconds before asking a server again that stumbled without saying when to come back."""
LONGEST_REASON: Final = 200
DEEPEST_REASON: Final = 3
PLAN_IS_USED_UP: Final = (HTTPStatus.PAYMENT_REQUIRED, 432, 433)
"""The last two are Tavily's own, for the plan and for what is paid beyond it."""
REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class JsonApi:
    """One service; ``called`` is its name in messages, which never tell ``secret``.

    ``mends`` says, by status, what to do about it, and under 200 about an answer that is no JSON;
    ``redirects`` may be followed where there is no key that could be carried to another host.
    """

    called: str
    client: httpx.AsyncClient
    mends: Mapping[int, str]
    secret: str = field(default="", repr=False)
    redirects: bool = False

    def __post_init__(self) -> None:
        """Refuse a key that no header can carry; to fail on it later would print it."""
        if not (self.secret.isascii() and self.secret.isprintable()):
            message = f"the key of {self.called} has characters that no key has"
            raise InvalidSettings(message, mend="copy it once more")

    async def get(
        self, address: str, asked: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """Return the object that a query in the address is answered with."""
        return await self._ask(
            self.client.build_request("GET", address, params=asked, headers=headers)
        )

    async def post(
        self, address: str, asked: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """Return the object that a query in JSON is answered with."""
        return await self._ask(
            self.client.build_request("POST", address, json=asked, headers=headers)
        )

    async def _ask(self, request: httpx.Request) -> Mapping[str, Any]:
        try:
            return await self._answer(request)
        except Stumbled as first:
            if first.seconds > PATIENCE:
                raise
            await asyncio.sleep(first.seconds)
        return await self._answer(request)

    async def _answer(self, request: httpx.Request) -> Mapping[str, Any]:
        response = await self._sent(request)
        if response.status_code != HTTPStatus.OK:
            raise self._refusal(response)
        answer = _json(response)
        if not isinstance(answer, dict):
            what = "in JSON" if answer is None else "with a JSON object"
            mend = self.mends.get(HTTPStatus.OK, "")
            raise SearchFailed(f"{self.called} did not answer {what}", mend=mend)
        return answer

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self.client.timeout.read):  # of the whole, however it drips
                return await self.client.send(request, follow_redirects=self.redirects)
        except (httpx.TimeoutException, TimeoutError) as error:
            mend = "raise DEEP_RESEARCH_SEARCH_SECONDS"
            raise SearchFailed(f"{self.called} did not answer in time", mend=mend) from error
        except httpx.HTTPError as error:
            reason = self._hushed(str(error)) or type(error).__name__
            message = f"{self.called} cannot be reached: {reason}"
            mend = f"check the way to {urlsplit(str(request.url)).hostname}"
            raise Stumbled(message, mend=mend, seconds=PAUSE) from error

    def _refusal(self, response: httpx.Response) -> SearchFailed:
        """Return the failure that an answer other than 200 is, with the service's own words."""
        status = response.status_code
        said = self._hushed(reason(_json(response)))
        wait = retry_after(response.headers.get("Retry-After"))
        message = f"{self.called} answered {status}" + (f" ({said})" if said else "")
        if wait is not None:
            message += f" and asked to wait {wait:.0f} s"
        mend = self.mends.get(status, "")
        if status == HTTPStatus.TOO_MANY_REQUESTS and wait is None:
            return SearchFailed(message, mend=mend or "wait, and ask less often")
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            seconds = PAUSE if wait is None else wait
            return Stumbled(message, mend=mend or "try again later", seconds=seconds)
        return SearchFailed(message, mend=mend)

    def _hushed(self, text: str) -> str:
        """Return foreign words on one line, short, and without the key they may repeat."""
        hushed = text.replace(self.secret, "(the key)") if self.secret else text
        return one_line(hushed)[:LONGEST_REASON]


class Stumbled(SearchFailed):
    """The service failed in a way that often passes after so many ``seconds``."""

    def __init__(self, message: str, *, mend: str, seconds: float) -> None:
        super().__init__(message, mend=mend)
        self.seconds = seconds


def mends_of_a_key(variable: str, where: str) -> Mapping[int, str]:
    """Return what to do where a service refuses a key; ``where`` it hands them out."""
    wrong = f"check {variable}: is it a key of {where}?"
    used_up = f"raise the plan's limit at {where}, or set {variable} to another key"
    return dict.fromkeys(REFUSED, wrong) | dict.fromkeys(PLAN_IS_USED_UP, used_up)


def reason(answer: object) -> str:
    """Return the words of an error in any of the forms that services use."""
    for _ in range(DEEPEST_REASON):
        if isinstance(answer, dict):
            told = (answer.get(name) for name in ("error", "message", "detail"))
            answer = next(filter(None, told), "")
    return answer if isinstance(answer, str) else ""


def _json(response: httpx.Response) -> object:
    """Return what the body holds; None if it is no JSON."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
