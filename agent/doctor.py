"""Checks what a run depends on, and says of each thing that is broken how to mend it."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent import wiring
from agent.domain.question import Scope
from agent.errors import DeepResearchError, SearchFailed
from gateway_client.errors import GatewayError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.ports import SearchEngine
    from agent.settings import Settings

NO_GATEWAY: Final = "none is set; the embedded extractive model is used"
SET_ONE: Final = "for a written report set GATEWAY_BASE_URL and GATEWAY_API_KEY"
PROBE: Final = "large language models"
"""A query every engine must find something for."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it."""

    what: str
    ok: bool
    finding: str
    mend: str = ""


async def examine(settings: Settings) -> tuple[Check, ...]:
    """Check write access, the gateway and every search, side by side."""
    async with wiring.open_engines(settings) as engines:
        checks = await asyncio.gather(
            asyncio.to_thread(_out, settings.out), _gateway(), *(_search(e) for e in engines)
        )
    return (*checks, *_day(settings))


def _out(out: Path) -> Check:
    """See whether run folders can be made, leaving nothing behind."""
    nearest = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryDirectory(dir=nearest):
            return Check("run folders", ok=True, finding=f"{out} can be written")
    except OSError as error:
        reason = f"{nearest}: {error.strerror}"
        return Check("run folders", ok=False, finding=reason, mend="choose another with --out")


async def _gateway() -> Check:
    """See whether the gateway takes the key: the list of models costs nothing."""
    try:
        config = wiring.gateway_config()
        if config is None:
            return Check("model gateway", ok=True, finding=NO_GATEWAY, mend=SET_ONE)
        models = await wiring.listed_models(config)
    except (DeepResearchError, GatewayError) as error:
        return Check("model gateway", ok=False, finding=str(error.args[0]), mend=error.mend)
    tiers = ", ".join(f"{tier} {names[0]}" for tier, names in config.tiers.items())
    missing = sorted({names[0] for names in config.tiers.values()} - set(models))
    if models and missing:
        mend = "set GATEWAY_MODEL, or GATEWAY_LIGHT_MODEL, GATEWAY_DEEP_MODEL, GATEWAY_LONG_MODEL"
        return Check("model gateway", ok=False, finding=f"lists no {', '.join(missing)}", mend=mend)
    for name in sorted({names[0] for names in config.tiers.values()}):
        told, believed = models.get(name), config.window(name)
        if told is not None and told != believed and (told < believed or name not in config.models):
            finding = f"{name} takes {told:,} tokens here, and {believed:,} are believed"
            mend = f'write context = {told} under [models."{name}"] in a gateway.toml'
            return Check("model gateway", ok=told > believed, finding=finding, mend=mend)
    return Check("model gateway", ok=True, finding=f"answers; {tiers}")


def _day(settings: Settings) -> tuple[Check, ...]:
    """See whether anything is left of a day's budget, if there is one."""
    try:
        day = wiring.day(settings)
    except (DeepResearchError, GatewayError) as error:
        return (Check("day's budget", ok=False, finding=str(error.args[0]), mend=error.mend),)
    if day is None:
        return ()
    mend = "wait for tomorrow, or raise DEEP_RESEARCH_MAX_USD_PER_DAY" if day.is_spent else ""
    return (Check("day's budget", ok=not day.is_spent, finding=str(day), mend=mend),)


async def _search(engine: SearchEngine) -> Check:
    what = f"{engine.kind} search ({engine.name})"
    try:
        hits = await engine.search(PROBE, limit=1, scope=Scope())
    except SearchFailed as error:
        return Check(what, ok=False, finding=str(error.args[0]), mend=error.mend)
    return Check(
        what, ok=True, finding=f"answers with {len(hits)} hit" if hits else "finds nothing"
    )
