"""The gateway as other code sees it: OpenAI and LangChain clients on top of our transport."""

from __future__ import annotations

import asyncio
import random
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

import httpx2

from gateway_client import families, wire
from gateway_client.answers.forms import Memory
from gateway_client.errors import AnswerUnusable, GatewayError, RequestRefused, Unreachable
from gateway_client.exchange import ROUTED, TASK_HEADER
from gateway_client.families.journalling import Bookkeeper, JournalTransport
from gateway_client.ledger import Ledger
from gateway_client.routing import router
from gateway_client.transport import Switchboard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import ModuleType

    from langchain_openai import ChatOpenAI
    from openai import AsyncOpenAI, OpenAI

    from gateway_client.abstract_journal import AbstractJournal
    from gateway_client.config import Config
    from gateway_client.transport import PoolState

NOWHERE: Final = "http://gateway.invalid/v1"
"""What clients are told the address is. The transport replaces it; should a call ever slip past
the transport, this name leads nowhere (RFC 2606)."""

NO_KEY: Final = "the-transport-adds-the-key"


class GatewayClient:
    """All endpoints of a configuration as if they were one, with a ledger of what was used.

    Make one for each run, and close it. ``inner`` replaces the network, ``clock`` and ``sleep``
    replace time, and ``chance`` the numbers from 0 to 1 that spread retries. Transports that
    answer in this process are closed by whoever made them. A program that runs on and on bounds the
    ledger's entries by ``keep_entries``; work that may be taken up again has a ``journal``, which
    is closed by whoever opened it, and what it says was paid is in the ledger and the budget.
    Clients of the same endpoints that work side by side share a ``pool_state``.
    """

    def __init__(  # noqa: PLR0913 - each by its name, and most callers give none
        self,
        config: Config,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        inner: httpx2.AsyncBaseTransport | None = None,
        keep_entries: int | None = None,
        journal: AbstractJournal | None = None,
        pool_state: PoolState | None = None,
    ) -> None:
        self.config = config
        self.ledger = Ledger(keep_entries)
        self._switchboard = Switchboard(config, self.ledger, clock, chance, pool_state)
        self._sleep = sleep
        self._inner = inner
        self._books = Bookkeeper(journal, self.ledger) if journal else None
        for entry in journal.entries() if journal else ():
            tokens = entry.input_tokens + entry.output_tokens
            self._switchboard.accounts.purse.recall(entry.usd, tokens)

    async def __aenter__(self) -> Self:
        """Open nothing: connections are made when they are needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        if "http_client" in self.__dict__:
            await self.http_client.aclose()
        if "sync_http_client" in self.__dict__:
            self.sync_http_client.close()

    async def begin(self, step: str, note: str) -> str:
        """Begin a step of the journalled work, or repeat it; return the note it was begun with.

        The ledger then has what was paid before the step; the budget has everything.
        """
        return await self._books.begin(step, note) if self._books else note

    @cached_property
    def memory(self) -> Memory:
        """Which means of getting structured answers worked; for ``structured``."""
        return Memory()

    @cached_property
    def http_client(self) -> httpx2.AsyncClient:
        """The HTTP client that all clients made here share."""
        transport = families.async_transport(
            self._switchboard,
            inner=self._inner,
            sleep=self._sleep,
            announce=self._books.journal.announce if self._books else None,
        )
        if self._books is not None:
            transport = JournalTransport(transport, self._books)
        return httpx2.AsyncClient(transport=transport, timeout=self._timeout)

    @cached_property
    def sync_http_client(self) -> httpx2.Client:
        """The same for code that does not await."""
        transport = families.sync_transport(self._switchboard)
        return httpx2.Client(transport=transport, timeout=self._timeout)

    def transport(self, family: ModuleType = httpx2) -> httpx2.AsyncBaseTransport:
        """Return a new transport for any other AsyncClient of httpx2, or of httpx if given."""
        return families.async_transport(self._switchboard, family, sleep=self._sleep)

    def openai(self) -> AsyncOpenAI:
        """Return an OpenAI client; ask it for the model ``auto``, a tier, or a model by name."""
        from openai import AsyncOpenAI  # noqa: PLC0415 - half a second, not everyone needs it

        return AsyncOpenAI(
            api_key=NO_KEY,
            base_url=NOWHERE,
            http_client=self.http_client,
            timeout=self._timeout,
            max_retries=0,
        )

    def sync_openai(self) -> OpenAI:
        """Return the same for code that does not await."""
        from openai import OpenAI  # noqa: PLC0415 - likewise

        return OpenAI(
            api_key=NO_KEY,
            base_url=NOWHERE,
            http_client=self.sync_http_client,
            timeout=self._timeout,
            max_retries=0,
        )

    def chat_model(self, task: str = "", model: str = router.AUTO, **options: object) -> ChatOpenAI:
        """Return a LangChain chat model for one kind of work.

        Options are ChatOpenAI's own; ``default_headers`` would replace the task's header.
        """
        from langchain_openai import ChatOpenAI  # noqa: PLC0415 - a second, not everyone needs it

        settings: dict[str, Any] = {
            "model": model,
            "api_key": NO_KEY,
            "base_url": NOWHERE,
            "default_headers": {TASK_HEADER: task},
            "http_async_client": self.http_client,
            "http_client": self.sync_http_client,
            "timeout": self._timeout,
            "max_retries": 0,
            "stream_usage": True,
            "use_responses_api": False,
            "openai_proxy": None,
        }
        return ChatOpenAI(**(settings | options))

    async def complete(
        self,
        prompt: str | Sequence[Mapping[str, object]],
        *,
        task: str = "",
        model: str = router.AUTO,
        **options: object,
    ) -> str:
        """Return the text of an answer to a prompt, or to messages in OpenAI's form.

        Options are fields of the request, such as temperature. Raises a GatewayError, and
        AnswerUnusable if the model answered with something else than text.
        """
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else [*prompt]
        payload = {"model": model, "messages": messages, **options}
        try:
            response = await self.http_client.post(
                NOWHERE + ROUTED, json=payload, headers={TASK_HEADER: task}
            )
        except httpx2.TransportError as error:
            raise _ours(error) from error
        who = response.headers.get("x-gw-endpoint", "")
        if response.is_error:
            refused = f"{who} refused the request ({response.status_code}): {response.text[:200]}"
            raise response.extensions.get("gateway_error") or RequestRefused(refused)
        text = wire.written_text(wire.payload_of(response.content) or {})
        if not text:
            raise AnswerUnusable(f"{who} answered without any text")
        return text

    def window(self, task: str) -> int:
        """Return how many tokens fit the roomiest model that may do this kind of work."""
        return router.window(self.config, task)

    @property
    def _timeout(self) -> httpx2.Timeout:
        policy = self.config.policy
        return httpx2.Timeout(policy.read_seconds, connect=policy.connect_seconds)


def _ours(error: httpx2.TransportError) -> GatewayError:
    """Return the error that our transport raised this one from."""
    return error.__cause__ if isinstance(error.__cause__, GatewayError) else Unreachable(str(error))
