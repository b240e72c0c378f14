"""Real servers on loopback, and files as they come from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """What a server answers; ``reply``, if there is one, writes the whole answer itself."""

    body: bytes | str = b""
    status: int = 200
    type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    reply: Reply | None = None


@dataclass
class Asked:
    """One request a server got."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Site:
    """A web server on loopback; what it answers is told by path, and can be changed."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.host = ""

    def serve(
        self,
        path: str,
        body: bytes | str = b"",
        status: int = 200,
        type: str = "text/html; charset=utf-8",
        *,
        headers: Mapping[str, str] | None = None,
        reply: Reply | None = None,
    ) -> str:
        """Answer so at a path from now on; return its address."""
        self.answers[path] = Answer(body, status, type, headers or {}, reply)
        return self.url(path)

    def url(self, path: str = "") -> str:
        return f"http://{self.host}{path}"

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
            target = urlsplit(request[0].split()[1])
            lines = (line.partition(": ") for line in request[1:] if line)
            headers = {name.lower(): value for name, _, value in lines}
            query = {name: values[-1] for name, values in parse_qs(target.query).items()}
            self.asked.append(Asked(target.path, query, headers))
            await self._write(writer, self.answers.get(target.path, Answer(status=404)))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        if answer.reply:
            await answer.reply(writer)
            return
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = {"Content-Length": str(len(body)), "Connection": "close", **answer.headers}
        if answer.type:
            headers["Content-Type"] = answer.type
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} So\r\n{head}\r\n".encode() + body)
        await writer.drain()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Yield a server that answers 404 until it is told otherwise."""
    made = Site()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(made(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    for task in tuple(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await server.wait_closed()


def pdf(*pages: list[str], info: bytes = b"") -> bytes:
    """Write a small PDF, each page a list of lines; Chinese needs no font that is embedded."""
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H"
        b" /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> /DW 500 >>] >>"
    )
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        font,
    ]
    for number, lines in enumerate(pages):
        shown = b" ".join(b"<%s> Tj T*" % line.encode("utf-16-be").hex().encode() for line in lines)
        content = b"BT /F1 10 Tf 14 TL 20 760 Td %s ET" % shown
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 900 800]"
            b" /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (5 + 2 * number),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]
    objects.append(b"<< %s >>" % info)
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R /Info %d 0 R >>\n"
        b"startxref\n%d\n%%%%EOF"
        % (len(objects) + 1, table, len(objects) + 1, len(objects), len(out))
    )


@pytest.fixture
def write_pdf() -> Callable[..., bytes]:
    """Return the writer of small PDFs."""
    return pdf
