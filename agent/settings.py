"""Everything the environment may say to the agent, read once and frozen.

What it says to the gateway client (``GATEWAY_…``) is read there.
"""

from __future__ import annotations

import os
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agent.domain.look import STYLES, CitationStyle
from agent.errors import InvalidSettings

PREFIX: Final = "DEEP_RESEARCH_"
MAILBOX: Final = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+")
SITE: Final = re.compile(r"[\w-]+(\.[\w-]+)*")
HOST_AND_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]/]+):\d{1,5}")


class Settings(BaseSettings):
    """How the agent works; each field is also an environment variable ``DEEP_RESEARCH_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    out: Path = Field(Path("runs"), description="folder that run folders are made in")
    schedules: Path = Field(
        Path("schedules.toml"),
        description="file of the schedules, beside which their fires are kept",
    )
    engines: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="comma-separated engines to ask side by side: searxng, ddgs, tavily, brave,"
        " serper, exa, gateway, arxiv, openalex, semantic-scholar, crossref; by default arxiv and"
        " every engine for the web that is set up, or ddgs",
    )
    engine_urls: Annotated[dict[str, str], NoDecode] = Field(
        {},
        description="comma-separated `engine=address` for engines at other addresses than their"
        " makers'",
    )
    searxng_url: str | None = Field(
        None, description="base address of a SearXNG instance; `/search` is appended"
    )
    arxiv_url: str = Field(
        "https://export.arxiv.org/api/query", description="arXiv's whole query endpoint"
    )
    search_model: str = Field(
        "", description="model of the gateway that has a web search tool, for the engine `gateway`"
    )
    illustrate: bool = Field(
        default=False, description="whether a model of the gateway draws a cover for the report"
    )
    image_model: str = Field("gpt-image-1.5", description="the model that draws it")
    citation_style: CitationStyle = Field(
        "numeric", description=f"how references are written: {', '.join(STYLES)}"
    )
    templates: Path | None = Field(
        None, description="folder of templates that write the report in the place of ours"
    )
    only_sites: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated sites (with their subdomains) to search, and no others"
    )
    without_sites: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="comma-separated sites to leave out"
    )
    allow_hosts: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(),
        description="comma-separated `host:port` on private addresses that may be read;"
        " everything else private is refused",
    )
    corpus: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="comma-separated folders or files to read besides those given by --corpus"
    )
    depth: int = Field(2, ge=1, le=10, description="most rounds of retrieval")
    breadth: int = Field(5, ge=1, le=20, description="most queries a round for each kind of source")
    pages: int = Field(8, ge=1, le=100, description="most pages read a round for each sub-question")
    reads_at_once: int = Field(8, ge=1, le=64, description="most pages read at a time")
    page_seconds: float = Field(20.0, gt=0, le=300, description="deadline for fetching one page")
    parse_seconds: float = Field(
        10.0, gt=0, le=300, description="deadline for making text of one page"
    )
    search_seconds: float = Field(20.0, gt=0, le=300, description="deadline for one search")
    max_usd: Decimal | None = Field(None, gt=0, description="most US dollars a run may cost")
    max_tokens: int | None = Field(None, gt=0, description="most tokens a run may take")
    max_minutes: float | None = Field(None, gt=0, description="most minutes a run may take")
    max_usd_per_day: Decimal | None = Field(
        None, gt=0, description="most US dollars that all runs of a day (UTC) may cost together"
    )
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL database that keeps the runs of many machines, as in"
        " `postgresql://user:password@host/name`",
    )
    robots: bool = Field(default=True, description="whether robots.txt is obeyed")
    contact: str = Field(
        "", description="e-mail address that sites and indexes may see, as some of them ask for"
    )
    cache: Path | None = Field(
        None,
        description="folder that keeps pages for later runs, by default in the user's cache",
    )
    cached: bool = Field(default=True, description="whether pages are kept for later runs")
    offline: bool = Field(default=False, description="whether pages are read from the cache alone")

    @field_validator(
        "allow_hosts", "corpus", "engines", "only_sites", "without_sites", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        """Take ``a,b`` for two values."""
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("engine_urls", mode="before")
    @classmethod
    def _paired(cls, value: object) -> object:
        """Take ``a=x,b=y`` for a mapping."""
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        return {name.strip(): address.strip() for name, _, address in pairs}

    @field_validator("engine_urls")
    @classmethod
    def _addresses(cls, value: dict[str, str]) -> dict[str, str]:
        """Refuse what is no http address."""
        for address in value.values():
            cls._address(address)
        return value

    @field_validator("only_sites", "without_sites")
    @classmethod
    def _sites(cls, sites: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse an address where a site's name is asked for: it would match nothing, silently."""
        for site in sites:
            if not SITE.fullmatch(site):
                message = f"{site!r} is no site, as in example.org"
                raise ValueError(message)
        return tuple(site.lower() for site in sites)

    @field_validator("contact")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        """Refuse what is no e-mail address: it goes into a header."""
        if value and not MAILBOX.fullmatch(value):
            message = f"{value!r} is no e-mail address"
            raise ValueError(message)
        return value

    @field_validator("allow_hosts")
    @classmethod
    def _with_port(cls, hosts: frozenset[str]) -> frozenset[str]:
        """Refuse a host without its port: it would allow less than was meant, silently."""
        for host in hosts:
            if not HOST_AND_PORT.fullmatch(host):
                message = f"{host!r} is no host:port, as in localhost:8080"
                raise ValueError(message)
        return hosts

    @field_validator("searxng_url", "arxiv_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        """Refuse what is no http address."""
        if value is not None and (urlsplit(value).scheme not in {"http", "https"}):
            message = f"{value!r} is not an http:// or https:// address"
            raise ValueError(message)
        return value or None


def read_settings(**chosen: Any) -> Settings:  # noqa: ANN401 - checked by pydantic, field by field
    """Return the environment's settings with ``chosen`` ones in their place.

    Raises InvalidSettings, naming the variable, for a value that does not fit and for a variable
    with our prefix that is none of ours.
    """
    try:
        settings = Settings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "the settings"
        raise InvalidSettings(f"{name}: {first['msg']}", mend="see docs/settings.md") from error
    _refuse_unknown()
    return settings


@cache
def variables() -> tuple[tuple[str, str, str], ...]:
    """Return name, default and meaning of every variable, for the table in docs/settings.md."""
    return tuple(
        (PREFIX + name.upper(), _shown(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    )


def _shown(default: object) -> str:
    return "" if default in (None, (), frozenset(), "") or default == {} else str(default)


def _refuse_unknown() -> None:
    known = {name for name, _, _ in variables()}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            raise InvalidSettings(
                f"unknown variable {name}", mend=f"known: {', '.join(sorted(known))}"
            )
