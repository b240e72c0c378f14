"""Translates one event stream into another; what its events mean is left to each dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway_client.dialects import chat, shapes, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client.dialects.shapes import Payload


class Events(Protocol):
    """Understands the events of one vendor's stream, one after the other.

    ``finished`` says that the answer is complete, ``over`` that nothing can follow.
    """

    chunks: chat.Chunks
    counts: chat.Counts | None
    finished: bool
    over: bool

    def read(self, event: Payload) -> Iterator[Payload]:
        """Yield the chunks or the error that an event means; raise ValueError at nonsense."""
        ...

    def last(self) -> Iterator[Payload]:
        """Yield the chunks still to be said when the stream has ended."""
        ...


class Translation:
    """One streamed answer while it is translated.

    Nonsense becomes an error event, so that what comes out does not depend on how the bytes were
    cut. A stream that ends before its time just ends, without ``[DONE]``.
    """

    def __init__(self, events: Events, *, include_usage: bool) -> None:
        self._events = events
        self._include_usage = include_usage
        self._reader = sse.Reader()
        self._closed = False

    def feed(self, data: bytes) -> bytes:
        """Take the vendor's events, cut anywhere; return Chat Completions events."""
        if self._closed:
            return b""
        return b"".join(self._said(event) for event in self._reader.feed(data))

    def end(self) -> bytes:
        """Return what is still to be said when the vendor has ended."""
        if self._closed:
            return b""
        whole = (event for event in self._reader.end() if shapes.is_record(event))
        said = b"".join(self._said(event) for event in whole)
        return said + b"".join(self._written(self._events.last())) + self._close()

    def _said(self, data: bytes) -> bytes:
        if self._closed:
            return b""
        said = b"".join(self._written(self._read(data)))
        return said + (self._close() if self._events.over else b"")

    def _read(self, data: bytes) -> Iterator[Payload]:
        try:
            yield from self._events.read(shapes.parsed(data))
        except ValueError as error:
            yield chat.error(f"the stream made no sense ({error})")

    def _written(self, payloads: Iterator[Payload]) -> Iterator[bytes]:
        for payload in payloads:
            yield sse.written(payload)
            if "error" in payload:
                self._closed = True
                return

    def _close(self) -> bytes:
        """Return the end of a finished answer: its usage and the last event."""
        if self._closed or not self._events.finished:
            return b""
        self._closed = True
        counts = self._events.counts if self._include_usage else None
        usage = sse.written(self._events.chunks.usage(counts)) if counts else b""
        return usage + sse.DONE
