"""Says where things are kept for later runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.adapters.user_cache import user_cache

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings import Settings


def cache_folder(settings: Settings, name: str) -> Path | None:
    """Return the folder of a cache, None if nothing is to be kept."""
    if not settings.cached and not settings.offline:
        return None
    return settings.cache / name if settings.cache else user_cache(name)
