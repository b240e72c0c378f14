"""Where indexes are kept."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def index_file(cache: Path, folders: Sequence[Path]) -> Path:
    """Return the file for the index of these folders, named in any order."""
    names = b"\0".join(sorted({os.fsencode(folder) for folder in folders}))
    return cache / f"{hashlib.sha256(names).hexdigest()[:32]}.sqlite"
