"""Which endpoints, which models for which work, and how patient to be; read once, frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gateway_client import toml_file
from gateway_client.catalog import (
    TIERS,
    Budget,
    Endpoint,
    Key,
    Model,
    Tier,
    clean_base_url,
    known_modalities,
    known_window,
)
from gateway_client.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OPENAI_URL: Final = "https://api.openai.com/v1"

DEFAULT_TIERS: Final[Mapping[Tier, tuple[str, ...]]] = MappingProxyType(
    {"light": ("gemini-3-flash",), "deep": ("gpt-5.2-pro",), "long": ("gemini-3-pro",)}
)

OPENAI_TIERS: Final[Mapping[Tier, tuple[str, ...]]] = MappingProxyType(
    {"light": ("gpt-5-mini",), "deep": ("gpt-5.2",), "long": ("gpt-5.2", "gpt-4.1")}
)
"""The defaults where OpenAI itself is the endpoint, which has no models but its own."""

VARIABLES: Final = (
    ("GATEWAY_BASE_URL", "", "an OpenAI-compatible address, with `/v1`"),
    ("GATEWAY_API_KEY", "", "its key; several, comma-separated, are a pool"),
    ("GATEWAY_MODEL", "", "the model for all work, for a server that has only one"),
    ("GATEWAY_LIGHT_MODEL", "gemini-3-flash", "the model for short, frequent work"),
    ("GATEWAY_DEEP_MODEL", "gpt-5.2-pro", "the model for hard reasoning"),
    ("GATEWAY_LONG_MODEL", "gemini-3-pro", "the model that reads whole sources and writes"),
    ("GATEWAY_CONFIG", "", "a `gateway.toml` with several endpoints, tiers and prices"),
    ("OPENAI_BASE_URL", "", "taken, with the next, if no `GATEWAY_` address or key is set"),
    ("OPENAI_API_KEY", "", "likewise; without an address it is OpenAI's own"),
)
"""Name, default and meaning of what the environment may say, for documentation."""

DEFAULT_TASKS: Final[Mapping[str, Tier]] = MappingProxyType(
    {"refine": "light", "repair": "light", "outline": "deep", "write": "deep"}
)
"""Sharpening and checking are short and frequent; only what a reader reads earns the deep tier."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard to try.

    No attempt begins, and no wait for a cooling key ends, later than ``deadline_seconds`` after
    the request came. ``patience_seconds`` is the most that one request waits for endpoints that
    failed again and again. ``tasks`` says which tier does which kind of work.

    A stream has to bring its first content within ``first_content_seconds`` (models that think
    unseen take minutes) and may then be silent for ``idle_seconds``; of no answer more than
    ``answer_bytes`` are read. If ``gather`` is set, answers that are wanted in one piece are asked
    for as streams and put together here: then a slow model may take as long as it goes on, up to
    ``whole_seconds``, or to a caller's own deadline.

    ``retry_ratio`` is how many retries each call earns, see limits.py. If ``hedge_seconds`` is
    set, a second endpoint is asked when the first is silent that long, and the first good answer
    counts; both may have to be paid.

    ``strong_from`` is the difficulty, from 0 to 1, from which an untagged call goes to the deep
    tier; see difficulty.py for what share that is.
    """

    attempts: int = 4
    connect_seconds: float = 10.0
    read_seconds: float = 300.0
    deadline_seconds: float = 600.0
    backoff_seconds: float = 0.25
    patience_seconds: float = 15.0
    first_content_seconds: float = 300.0
    idle_seconds: float = 120.0
    answer_bytes: int = 256 * 1024 * 1024
    gather: bool = False
    whole_seconds: float = 3600.0
    retry_ratio: float = 0.25
    hedge_seconds: float | None = None
    strong_from: float = 0.5
    tasks: Mapping[str, Tier] = field(default_factory=lambda: DEFAULT_TASKS)


@dataclass(frozen=True, slots=True)
class Config:
    """All a gateway client needs to know; ``tiers`` are models in order of preference."""

    endpoints: tuple[Endpoint, ...]
    tiers: Mapping[Tier, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_TIERS)
    models: Mapping[str, Model] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        """Refuse what could answer nothing."""
        if not self.endpoints:
            raise ConfigInvalid("there is no endpoint", mend="set GATEWAY_BASE_URL or add one")
        if len({endpoint.name for endpoint in self.endpoints}) < len(self.endpoints):
            raise ConfigInvalid("two endpoints have the same name", mend="give each its own")
        if any(not self.tiers.get(tier) for tier in TIERS):
            raise ConfigInvalid("each of the tiers light, deep and long needs a model")

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        *,
        tasks: Mapping[str, Tier] = DEFAULT_TASKS,
        gather: bool = False,
    ) -> Config | None:
        """Read GATEWAY_* (or else OPENAI_*) variables; None if they name no gateway at all.

        ``tasks`` and ``gather`` are the caller's own; what a gateway.toml says of them goes before.
        The two families never mix, so that a key is never sent to the other one's address.
        """
        path = environ.get("GATEWAY_CONFIG", "").strip()
        parts = toml_file.read(path, environ) if path else None
        endpoints = parts.endpoints if parts else ()
        endpoints = endpoints or _endpoints(environ)
        if not endpoints:
            if parts:
                raise ConfigInvalid(f"{path} names no endpoint", mend="add an [[endpoint]]")
            return None
        return cls(
            endpoints=endpoints,
            tiers={
                **_default_tiers(endpoints),
                **(parts.tiers if parts else {}),
                **_tiers(environ),
            },
            models=parts.models if parts else {},
            policy=Policy(
                **{"gather": gather, **(parts.policy if parts else {})},
                tasks={**tasks, **(parts.tasks if parts else {})},
            ),
            budget=parts.budget if parts else Budget(),
        )

    def window(self, model: str) -> int:
        """Return how many tokens a model holds, as configured or else as known."""
        configured = self.models.get(model)
        return (configured and configured.context) or known_window(model)

    def modalities(self, model: str) -> frozenset[str]:
        """Return what a model can be given, as configured or else as known."""
        configured = self.models.get(model)
        return (configured and configured.modalities) or known_modalities(model)

    def served(self, model: str) -> bool:
        """Whether any endpoint serves the model."""
        return any(endpoint.serves(model) for endpoint in self.endpoints)


def without_endpoints() -> Config:
    """Return the default tiers at an address that leads nowhere: enough to route and to price."""
    return Config((Endpoint("none", "http://gateway.invalid/v1"),))


def _endpoints(environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    for family, name in (("GATEWAY", "gateway"), ("OPENAI", "openai")):
        url = environ.get(f"{family}_BASE_URL", "").strip()
        variable = f"{family}_API_KEY"
        secrets = [word.strip() for word in environ.get(variable, "").split(",") if word.strip()]
        if url or secrets:
            keys = tuple(Key(f"{name}#{n}", variable, word) for n, word in enumerate(secrets, 1))
            base_url = clean_base_url(url or OPENAI_URL, f"{family}_BASE_URL")
            return (Endpoint(name, base_url, keys),)
    return ()


def _default_tiers(endpoints: Sequence[Endpoint]) -> Mapping[Tier, tuple[str, ...]]:
    only_openai = all(endpoint.base_url == OPENAI_URL for endpoint in endpoints)
    return OPENAI_TIERS if only_openai else DEFAULT_TIERS


def _tiers(environ: Mapping[str, str]) -> dict[Tier, tuple[str, ...]]:
    everything = environ.get("GATEWAY_MODEL", "").strip()
    named = {tier: environ.get(f"GATEWAY_{tier.upper()}_MODEL", "").strip() for tier in TIERS}
    return {tier: (model or everything,) for tier, model in named.items() if model or everything}
