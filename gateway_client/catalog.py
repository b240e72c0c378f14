"""The values a configuration is made of: keys, endpoints, models; and what is known of models."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeVar
from urllib.parse import urlsplit

from gateway_client.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    import httpx2

    from gateway_client.dialects import Dialect

Known = TypeVar("Known")

Tier = Literal["light", "deep", "long"]
TIERS: Final[tuple[Tier, ...]] = ("light", "deep", "long")

DIALECTS: Final = ("openai", "responses", "anthropic", "google")
"""The protocols an endpoint may speak."""

Output = Literal["text", "image", "video", "embedding"]
"""What a model makes."""

TEXT: Final = frozenset({"text"})
TEXT_AND_IMAGE: Final = frozenset({"text", "image"})

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

KNOWN_OUTPUTS: Final[tuple[tuple[str, Output | None], ...]] = (
    ("gpt-image-*", "image"),
    ("chatgpt-image-*", "image"),
    ("dall-e*", "image"),
    ("imagen-*", "image"),
    ("sora-*", "video"),
    ("veo-*", "video"),
    ("text-embedding-*", "embedding"),
    ("gemini-embedding-*", "embedding"),
    ("gemini-*image*", None),
    ("gpt-*", "text"),
    ("o[134]*", "text"),
    ("gemini-*", "text"),
    ("claude-*", "text"),
    ("deepseek-*", "text"),
)
"""What well-known families make; the first match counts, and None is: more than one thing."""

KNOWN_MODALITIES: Final = (
    ("gpt-3.5*", TEXT),
    ("gpt-4-[0-9]*", TEXT),
    ("o1-mini*", TEXT),
    ("o3-mini*", TEXT),
    ("deepseek-*", TEXT),
    ("text-embedding-*", TEXT),
    ("dall-e-3*", TEXT),
    ("imagen-*", TEXT),
    ("gpt-*", TEXT_AND_IMAGE),
    ("gemini-*", TEXT_AND_IMAGE),
    ("claude-*", TEXT_AND_IMAGE),
)
"""What well-known families can be given; of others, pictures are not withheld."""


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
    """One address; ``dialect`` is the protocol it speaks.

    ``models`` are patterns of the models it serves, ``rpm`` and ``tpm`` the requests and tokens
    a minute that each key may use. ``transport`` answers in this process, without any network;
    its ``base_url`` is then a name only.
    """

    name: str
    base_url: str
    keys: tuple[Key, ...] = ()
    weight: int = 1
    models: tuple[str, ...] = ("*",)
    rpm: int | None = None
    tpm: int | None = None
    dialect: str | Dialect = "openai"
    transport: httpx2.AsyncBaseTransport | None = field(default=None, repr=False, compare=False)

    def serves(self, model: str) -> bool:
        """Whether one of the patterns matches the model."""
        return _is_one_of(model, self.models)


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model: tokens it holds and writes, and its prices in US dollars.

    ``modalities`` are what it can be given, such as text and image; empty is: not said.
    """

    name: str
    context: int | None = None
    max_output: int | None = None
    input_usd_per_million: Decimal | None = None
    output_usd_per_million: Decimal | None = None
    usd_per_image: Decimal | None = None
    usd_per_video_second: Decimal | None = None
    modalities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent at most, in US dollars and in tokens; None is no cap.

    ``usd`` and ``tokens`` hold for one client, the others for one day (UTC). Days are kept in
    ``file``, which several processes may share; without one, a day is that of this client alone.
    A model without a known price is refused under a cap in dollars, unless ``allow_unpriced``.
    """

    usd: Decimal | None = None
    tokens: int | None = None
    usd_per_day: Decimal | None = None
    tokens_per_day: int | None = None
    file: str = ""
    allow_unpriced: bool = False


@lru_cache(maxsize=256)
def known_window(model: str) -> int:
    """Return the tokens a model holds, by the family its name (without its vendor) belongs to."""
    return _known(model, KNOWN_WINDOWS, ASSUMED_WINDOW)


@lru_cache(maxsize=256)
def sure_output(model: str) -> Output | None:
    """Return the one thing a model makes, by its family; None where that is not sure."""
    return _known(model, KNOWN_OUTPUTS, None)


def known_output(model: str) -> Output:
    """Return what a model makes, by its family; text where nothing else is sure."""
    return sure_output(model) or "text"


@lru_cache(maxsize=256)
def known_modalities(model: str) -> frozenset[str]:
    """Return what a model can be given, by its family."""
    return _known(model, KNOWN_MODALITIES, TEXT_AND_IMAGE)


def _known(model: str, table: Sequence[tuple[str, Known]], otherwise: Known) -> Known:
    name = model.rpartition("/")[2]
    return next((value for pattern, value in table if fnmatchcase(name, pattern)), otherwise)


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


@lru_cache(maxsize=1024)
def _is_one_of(model: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(model, pattern) for pattern in patterns)
