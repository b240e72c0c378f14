"""Writes the table of docs/settings.md from the code; with --check only says if it is old."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from agent import settings
from gateway_client import config

PAGE = Path(__file__).parent / "settings.md"
MARKS = re.compile(r"(<!-- settings:[^\n]*-->\n).*?(<!-- /settings -->)", re.DOTALL)


def table() -> str:
    """Return the table of all variables: the gateway's, then the agent's."""
    rows = [*config.VARIABLES, *settings.variables()]
    lines = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {text} |"
        for name, default, text in rows
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *lines, ""])


def main() -> None:
    """Rewrite the page, or exit with 1 if it would change."""
    old = PAGE.read_text(encoding="utf-8")
    new = MARKS.sub(lambda marks: marks[1] + table() + marks[2], old)
    if "--check" in sys.argv[1:]:
        sys.exit("docs/settings.md is old: run poe readme" if new != old else 0)
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
