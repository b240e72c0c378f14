"""The values a configuration is made of: keys, endpoints, models; and what is known of models."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from gateway_client.errors import ConfigInvalid

if TYPE_CHECKING:
    from decimal import Decimal

    import httpx2

Tier = Literal["light", "deep", "long"]
TIERS: Final[tuple[Tier, ...]] = ("light", "deep", "long")

ASSUMED_WINDOW: Final = 128_000
"""Tokens a model of which nothing is known is taken to hold; most current ones hold as much."""

KNOWN_WINDOWS: Final = (
    ("gpt-5*-chat*", 128_000),
    ("gpt-5*", 272_000),  # of 400,000, the part that a prompt may take
    ("gpt-4.1*", 1_047_576),
    ("gpt-4o*", 128_000),
    ("o[134]*", 200_000),
    ("gemini-*", 1_048_576),
    ("claude-*", 200_000),
)
"""Tokens that well-known families hold, from their makers' pages; the first match counts."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret, the label that stands for it everywhere, and where it was read from."""

    label: str
    source: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be a key: usually the trace of careless copying."""
        if not self.secret or not all("!" <= character <= "~" for character in self.secret):
            raise ConfigInvalid(
                f"the key in {self.source} has characters that no key has",
                mend="copy it again, without quotes and spaces",
            )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address that speaks the OpenAI protocol.

    ``models`` are patterns of the models it serves. ``transport`` answers in this process,
    without any network; its ``base_url`` is then a name only.
    """

    name: str
    base_url: str
    keys: tuple[Key, ...] = ()
    weight: int = 1
    models: tuple[str, ...] = ("*",)
    rpm: int | None = None
    tpm: int | None = None
    transport: httpx2.AsyncBaseTransport | None = field(default=None, repr=False, compare=False)

    def serves(self, model: str) -> bool:
        """Whether one of the patterns matches the model."""
        return any(fnmatchcase(model, pattern) for pattern in self.models)


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model: tokens it holds and writes, US dollars per million tokens."""

    name: str
    context: int | None = None
    max_output: int | None = None
    input_usd_per_million: Decimal | None = None
    output_usd_per_million: Decimal | None = None


def known_window(model: str) -> int:
    """Return the tokens a model holds, by the family its name (without its vendor) belongs to."""
    name = model.rpartition("/")[2]
    known = (window for pattern, window in KNOWN_WINDOWS if fnmatchcase(name, pattern))
    return next(known, ASSUMED_WINDOW)


def clean_base_url(text: str, source: str) -> str:
    """Return the address without trailing slashes; raise ConfigInvalid if it is none."""
    url = text.strip().rstrip("/")
    reason = _wrong_with(url)
    if reason:
        raise ConfigInvalid(
            f"{source} {reason}", mend='it should look like "https://gateway.example/v1"'
        )
    return url


def _wrong_with(url: str) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return "is not an address"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "is not an http(s) address"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "may hold no user, password, query or fragment"
    if parts.path.endswith(("/chat/completions", "/responses", "/models")):
        return "should end before the name of the call"
    return ""
