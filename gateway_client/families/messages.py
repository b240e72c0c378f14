"""Turns a family's requests and responses into our values and back, the short way."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from gateway_client.exchange import Call
from gateway_client.faults import Arrived, Lost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    import httpx2

    from gateway_client.exchange import Answer, Send
    from gateway_client.faults import Outcome
    from gateway_client.streaming import Relay

_BODILESS: Final = {"GET", "HEAD", "DELETE", "OPTIONS"}


def call_of(request: httpx2.Request, body: bytes) -> Call:
    """Return what a client asks for."""
    path = request.url.raw_path.decode("ascii")
    timeout = request.extensions.get("timeout", {}).get("read")
    return Call(request.method, path, _plain(request.headers), body, timeout)


def request_of(family: ModuleType, step: Send, extensions: Mapping[str, object]) -> httpx2.Request:
    """Make the family's request; given a stream, it has nothing to work out by itself."""
    url, host = _address(family, step.url)
    headers = [(b"host", host)]
    headers += [(name.encode(), value.encode()) for name, value in step.headers.items()]
    if step.body or step.method not in _BODILESS:
        headers.append((b"content-length", b"%d" % len(step.body)))
    made = family.Request(
        step.method,
        url,
        headers=headers,
        stream=family.ByteStream(step.body),
        extensions=extensions,
    )
    return cast("httpx2.Request", made)


def arrived(response: httpx2.Response, body: bytes | None, *, understood: bool = False) -> Arrived:
    """Return what came, with the body as it was read."""
    return Arrived(response.status_code, _plain(response.headers), body, understood)


def is_event_stream(response: httpx2.Response) -> bool:
    """Whether a response is a good one that comes event by event."""
    kind = response.headers.get("content-type", "")
    return response.is_success and kind.startswith("text/event-stream")


def soured(relay: Relay, response: httpx2.Response) -> Outcome:
    """Say what became of a stream that ended, or failed, before the caller had any of it."""
    relay.end()
    if relay.problem is None or relay.broke_off:
        return Lost("the stream ended before its first content")
    return arrived(response, relay.error_body(), understood=True)


def came(step: Send, response: httpx2.Response, body: bytes | None) -> Outcome:
    """Return what came in one piece; a stream that is not called one is one nevertheless."""
    if body is None:
        return endless(step)
    if step.relay is not None and step.relay.gathering is not None and _is_stream(response, body):
        step.relay.feed(body)
        return gathered(step.relay, response)
    return arrived(response, body)


def _is_stream(response: httpx2.Response, body: bytes) -> bool:
    return response.is_success and body.lstrip().startswith((b"data:", b"event:", b":"))


def gathered(relay: Relay, response: httpx2.Response) -> Outcome:
    """Return the answer that a stream makes that was read to its end, or what was wrong with it."""
    relay.end()
    if relay.broke_off or relay.gathering is None:
        return Lost("the stream broke off before its end")
    body = relay.error_body() if relay.problem else relay.gathering.body()
    headers = {**_plain(response.headers), "content-type": "application/json"}
    return Arrived(response.status_code, headers, body, understood=True)


def endless(step: Send) -> Lost:
    """Say that an answer was too long to be one."""
    return Lost(f"the answer had no end after {step.most_bytes:,} bytes")


def lost(family: ModuleType, error: Exception) -> Lost:
    """Say why there is no response."""
    slow = isinstance(error, family.TimeoutException | TimeoutError)
    unsent = isinstance(error, family.ConnectError | family.ConnectTimeout | family.PoolTimeout)
    return Lost(str(error) or type(error).__name__, slow, unsent)


def response_of(family: ModuleType, answer: Answer, stream: object = None) -> httpx2.Response:
    """Make the family's response, or raise its error; either way our own error travels along."""
    if not answer.status:
        kind = family.ReadTimeout if answer.timed_out else family.ConnectError
        raise kind(str(answer.error)) from answer.error
    headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    body = answer.body or b""
    if stream is None:
        headers.append((b"content-length", b"%d" % len(body)))
    carried = {"gateway_error": answer.error} if answer.error else {}
    source = family.ByteStream(body) if stream is None else stream
    kind = family.Response if stream else _here(family)
    made = kind(answer.status, headers=headers, stream=source, extensions=carried)
    if stream is None:
        made.read()  # what is here already is read faster without awaiting
    return cast("httpx2.Response", made)


@lru_cache(maxsize=2)
def _here(family: ModuleType) -> Any:  # noqa: ANN401 - a class of either family
    """Return the family's response for a body that is here, and packed in nothing.

    To look for decoders and to cut it into chunks would take longer than all else about it.
    """

    class Here(family.Response):  # type: ignore[misc,name-defined]  # as above
        is_stream_consumed = False

        def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
            if self.is_stream_consumed:
                yield from super().iter_bytes(chunk_size)
            else:
                self.is_stream_consumed = self.is_closed = True
                yield from self.stream

    return Here


@lru_cache(maxsize=256)
def _address(family: ModuleType, text: str) -> tuple[httpx2.URL, bytes]:
    """Read an address, which takes longer than anything else about a request."""
    url = family.URL(text)
    return url, url.netloc


def _plain(headers: httpx2.Headers) -> dict[str, str]:
    """Return the headers as a plain dict in lower case, which takes less time to read."""
    return {name.decode("ascii").lower(): value.decode("latin-1") for name, value in headers.raw}
