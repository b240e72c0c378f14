"""One worker process: reads requests from its standard input, and writes pages to its output.

It holds nothing worth stealing and may die at any document: the other side starts another.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, BinaryIO, Final

from agent.adapters.parsing import frames
from agent.adapters.parsing.extraction import extract
from agent.adapters.parsing.unpacking import unpacked
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE: Final = (
    b"<html><head><title>A title</title></head><body><article><h1>A title</h1><p>%s</p>"
    b"</article></body></html>" % (b"Words to have all loaded that the first page waits for. " * 20)
)
"""As long as an article, since of short ones trafilatura has a second opinion, which takes 0.2 s
and 34 MB to load."""


def main() -> None:
    """Serve until the other side closes the pipe; arguments: bytes of memory, seconds of work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other side, which ends us
    memory, seconds = int(sys.argv[1]), int(sys.argv[2])
    requests, pages = _pipes()
    limit_processor = _limits(memory, seconds)
    extract(EXAMPLE, "text/html", "https://example.org/")
    _send(pages, frames.packed({"ready": True}))
    while request := _received(requests):
        limit_processor()
        _send(pages, _answer(*request))


def _answer(head: dict[str, str], body: bytes) -> bytes:
    """Return the frame of the page, or of why there is none."""
    url = head["url"]
    try:
        plain = unpacked(body, head["encoding"], url)
        return frames.packed_page(extract(plain, head["content_type"], url))
    except PageUnreadable as error:
        return frames.packed({"unreadable": str(error)})
    except MemoryError:
        return frames.packed({"unreadable": f"{url} needs too much memory", "worn": True})
    except Exception as error:  # noqa: BLE001 - whatever a parser raises, the document was why
        said = f"{url} could not be parsed: {type(error).__name__}"
        return frames.packed({"unreadable": said, "worn": True})


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return our two pipes, the second hidden from libraries that print."""
    pages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, pages


def _received(requests: BinaryIO) -> tuple[dict[str, str], bytes] | None:
    """Return the next request, or None if the other side is gone."""
    prefix = requests.read(frames.LENGTHS.size)
    if len(prefix) < frames.LENGTHS.size:
        return None
    head, body = frames.lengths(prefix)
    return frames.unpacked_head(requests.read(head)), requests.read(body)


def _send(pages: BinaryIO, frame: bytes) -> None:
    try:
        pages.write(frame)
        pages.flush()
    except BrokenPipeError:
        os._exit(0)  # nobody is left to be told


def _limits(memory: int, seconds: int) -> Callable[[], None]:
    """Bound the memory, and return what bounds the processor time of the next document."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return lambda: None

    def bound(what: int, most: int) -> None:
        _, hard = resource.getrlimit(what)
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (soft, hard))
        except (ValueError, OSError):  # a system that knows the limit, but does not keep it
            return

    bound(resource.RLIMIT_CORE, 0)
    bound(resource.RLIMIT_AS, memory)
    return lambda: bound(resource.RLIMIT_CPU, int(time.process_time()) + seconds + 1)


if __name__ == "__main__":
    main()
