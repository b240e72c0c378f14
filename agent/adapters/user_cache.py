"""Where things are kept that runs share and can make anew."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def user_cache(
    name: str, environ: Mapping[str, str] = os.environ, platform: str = sys.platform
) -> Path:
    """Return one folder of ours in this person's cache: XDG_CACHE_HOME, or the platform's."""
    stated = Path(environ.get("XDG_CACHE_HOME", ""))
    if stated.is_absolute():  # the standard ignores others
        base = stated
    elif platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path.home() / ("Library/Caches" if platform == "darwin" else ".cache")
    return base / "deep-research" / name
