"""Draws the waiting times of a benchmark as an SVG that says everything in words as well."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client.bench import Figures, Waits

WIDTH: Final = 720
LEFT: Final = 230
BAR: Final = 250
"""Pixels of the longest bar; what is right of it is for the numbers."""
ROW: Final = 24
TOP: Final = 56

ROLE: Final = 'role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="12"'
SHADES: Final = (("p99", "#c9d8e8"), ("p95", "#7fa6cc"), ("p50", "#1f4e79"))
"""From the longest to the shortest, so that each covers the one before."""


def drawn(figures: Figures) -> str:
    """Return the chart; the same figures are always the same bytes."""
    rows = [
        row
        for name, model in figures["models"].items()
        for row in (
            (f"{name}, first content", model["first_content_seconds"]),
            (f"{name}, whole answer", model["whole_seconds"]),
        )
    ]
    longest = max((waits["p99"] for _, waits in rows), default=0.0) or 1.0
    height = TOP + ROW * len(rows) + 16
    said = "; ".join(f"{label}: {_numbers(waits)}" for label, waits in rows)
    kind = " (simulated)" if figures["simulated"] else ""
    title = f"Seconds waited for {figures['requests']} streamed answers{kind}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {ROLE}>',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(said)}</desc>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" fill="#111111">{escape(title)}</text>',
        '<text x="12" y="42" fill="#444444">dark to p50, middle to p95, light to p99</text>',
    ]
    for number, (label, waits) in enumerate(rows):
        parts += _row(TOP + number * ROW, label, waits, longest)
    return "\n".join([*parts, "</svg>", ""])


def _row(y: int, label: str, waits: Waits, longest: float) -> Iterator[str]:
    yield f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
    lengths = {"p50": waits["p50"], "p95": waits["p95"], "p99": waits["p99"]}
    for name, shade in SHADES:
        width = BAR * lengths[name] / longest
        yield f'<rect x="{LEFT}" y="{y + 4}" width="{width:.1f}" height="15" fill="{shade}"/>'
    yield f'<text x="{LEFT + BAR + 8}" y="{y + 15}">{_numbers(waits)}</text>'


def _numbers(waits: Waits) -> str:
    return f"p50 {waits['p50']:.3f}, p95 {waits['p95']:.3f}, p99 {waits['p99']:.3f} s"
