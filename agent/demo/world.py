"""Serves the demo world on loopback, over real HTTP/1.1, from a few lines of asyncio."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from agent.demo.sites import Answer, Sites, refused

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from types import TracebackType


class DemoWorld:
    """A miniature internet: pages, a SearXNG and an arXiv at one address, while entered.

    ``requests`` lists the paths that were asked for, in order.
    """

    def __init__(self) -> None:
        """Prepare; the address is known once entered."""
        self.host = ""
        self.requests: list[str] = []
        self._conversations: set[asyncio.Task[None]] = set()

    @property
    def base(self) -> str:
        """The address all pages begin with."""
        return f"http://{self.host}"

    @property
    def searxng_url(self) -> str:
        """The address of the SearXNG instance, to which a client appends ``/search``."""
        return self.base

    @property
    def arxiv_url(self) -> str:
        """The whole address of the arXiv API's query endpoint."""
        return f"{self.base}/api/query"

    async def __aenter__(self) -> Self:
        """Start to listen, on a port that is free."""
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        address, port = self._server.sockets[0].getsockname()
        self.host = f"{address}:{port}"
        self._sites = Sites(self.base)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up on everyone and stop."""
        self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()

    def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Take one connection, and keep its task so that it can be ended."""
        conversation = asyncio.create_task(self._talk(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _talk(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer requests on one connection until the other side has had enough."""
        try:
            while head := await request_head(reader):
                lasting = keeps_alive(head)
                writer.write(on_the_wire(self._answer(head), lasting=lasting))
                await writer.drain()
                if not lasting:
                    break
        except (ConnectionError, asyncio.LimitOverrunError):
            pass  # the other side hung up or sends no HTTP; nobody is left to tell
        finally:
            writer.close()

    def _answer(self, head: str) -> Answer:
        """Answer one request, of which only GET is understood."""
        method, _, rest = head.partition(" ")
        target = rest.partition(" ")[0]
        if method != "GET":
            return refused(HTTPStatus.METHOD_NOT_ALLOWED)
        self.requests.append(target.partition("?")[0])
        return self._sites.answer(target)


async def request_head(reader: StreamReader) -> str:
    """Return request line and headers, empty if the other side has hung up."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return ""


def keeps_alive(head: str) -> bool:
    """Whether another request may follow on the connection; a body, unread, would be in its way."""
    return head.startswith("GET ") and "\r\nconnection: close" not in head.lower()


def on_the_wire(answer: Answer, *, lasting: bool) -> bytes:
    """Write an answer as HTTP/1.1 sends it."""
    lines = (
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.media_type}",
        f"Content-Length: {len(answer.body)}",
        f"Connection: {'keep-alive' if lasting else 'close'}",
    )
    return "\r\n".join([*lines, "", ""]).encode("ascii") + answer.body
