"""Between Chat Completions and the protocols that vendors speak themselves; no I/O.

A dialect puts a call into a vendor's words and the vendor's answer back into Chat Completions,
whole or streamed, so that nothing else in the package knows that there is more than one protocol.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from gateway_client.errors import ConfigInvalid

if TYPE_CHECKING:
    Payload = dict[str, object]

TRANSLATED: Final = ("responses", "anthropic", "google")
"""Each is a module here, loaded when an endpoint first speaks it."""


class Translator(Protocol):
    """One streamed answer while it is translated."""

    def feed(self, data: bytes) -> bytes:
        """Take the vendor's events, cut anywhere; return Chat Completions events."""
        ...

    def end(self) -> bytes:
        """Return what is still to be said when the vendor has ended."""
        ...


class Dialect(Protocol):
    """A vendor's protocol, both ways."""

    def outgoing(self, payload: Payload, model: str) -> tuple[str, Payload]:
        """Return the path to add to the base URL and the vendor's payload.

        Raises RequestRefused for what cannot be said in this protocol.
        """
        ...

    def headers(self, secret: str | None) -> dict[str, str]:
        """Return the headers that carry the key."""
        ...

    def answer(self, body: bytes, model: str) -> bytes:
        """Return a whole answer as Chat Completions; raise ValueError if it is none."""
        ...

    def error(self, status: int, body: bytes) -> bytes:
        """Return an error as OpenAI words it."""
        ...

    def stream(self, model: str, *, include_usage: bool) -> Translator:
        """Return a translator for one streamed answer."""
        ...


def dialect(name: str) -> Dialect | None:
    """Return a dialect by name; None for ``openai``, which needs no translation.

    Raises ConfigInvalid for a dialect that is not spoken here.
    """
    if name == "openai":
        return None
    if name not in TRANSLATED:
        raise ConfigInvalid(
            f"the dialect {name!r} is not spoken here",
            mend=f"use one of openai, {', '.join(TRANSLATED)}",
        )
    spoken: Dialect = import_module(f"{__name__}.{name}").DIALECT
    return spoken
