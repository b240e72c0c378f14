"""The hard rules: what a call asks of a model, and what models are known to be unable to do."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Final

from gateway_client import wire
from gateway_client.catalog import known_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client.config import Config

KNOWN_TO_OBEY: Final = ("gpt-*", "o[134]*", "claude-*", "gemini-*")
"""Families known to use tools and to keep to a schema; asked before others of their tier."""

WITHOUT_TOOLS: Final = ("o1-mini*", "o1-preview*", "gpt-4-0314*", "gpt-3.5-turbo-instruct*")
"""Families known to refuse tools."""

NO_TOOLS: Final = "cannot use tools"
NO_PICTURES: Final = "cannot be given pictures"

_PICTURES: Final = frozenset({"image_url", "input_image", "image"})


@dataclass(frozen=True)
class Needs:
    """What a model must be able to do for a call."""

    payload: wire.Payload
    pictures: bool
    tools: bool
    schema: bool

    @classmethod
    def of(cls, payload: wire.Payload) -> Needs:
        """Read them from the payload."""
        return cls(
            payload=payload,
            pictures=any(part.get("type") in _PICTURES for part in _parts(payload)),
            tools=bool(payload.get("tools") or payload.get("functions")),
            schema=bool(payload.get("response_format")),
        )

    @cached_property
    def tokens(self) -> int:
        """How many tokens the prompt and its reply need; counted only if anybody asks."""
        return wire.prompt_tokens(self.payload) + wire.reply_room(self.payload)

    def met_by(self, config: Config, model: str) -> bool:
        """Whether nothing is known that speaks against asking this model."""
        return self.tokens <= config.window(model) and not self.missing(config, model)

    def missing(self, config: Config, model: str) -> str:
        """Return what the model is known to be unable to do, or nothing."""
        if known_output(model) != "text":
            return f"makes {known_output(model)}, not text"
        if self.pictures and "image" not in config.modalities(model):
            return NO_PICTURES
        if self.tools and _is_of(model, WITHOUT_TOOLS):
            return NO_TOOLS
        return ""

    def ordered(self, models: tuple[str, ...]) -> tuple[str, ...]:
        """Put models known to obey first if that matters; otherwise the order is the owner's."""
        if not (self.tools or self.schema):
            return models
        return tuple(sorted(models, key=lambda model: not _is_of(model, KNOWN_TO_OBEY)))


def _is_of(model: str, families: tuple[str, ...]) -> bool:
    name = model.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) for pattern in families)


def _parts(payload: wire.Payload) -> Iterator[wire.Payload]:
    messages = payload.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict):
                yield part
