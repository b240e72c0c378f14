"""What worker processes cost and bring: `python benchmarks/parsing.py`.

Parses 500 generated pages of 30 to 60 kB (`--pages N`) with one worker and with two, in turns, so
that a busy machine is unfair to both alike. Meanwhile a task that sleeps 5 ms measures by how much
the event loop is late. The text of every page is compared with what trafilatura makes of it by
itself: F1 of their tokens. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import time
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Final

import trafilatura

from agent.adapters.parsing.workers import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGES, BLOCKS, SEED = 500, 5, 7
TICK_SECONDS = 0.005
VOCABULARY: Final = """retrieval context window model passage source question answer token cost
search index recall precision latency memory budget report paper method result table figure
measured found compared shows cites reads writes holds drops a the of in for with without and
between every most few long short large small early late""".split()
_TOKEN: Final = re.compile(r"\w+")


def sentence(chance: random.Random) -> str:
    """Return a sentence, or what looks like one."""
    words = chance.choices(VOCABULARY, k=chance.randint(6, 24))
    return f"{' '.join(words).capitalize()} {chance.randint(1, 999)}."


def paragraph(chance: random.Random) -> str:
    """Return a paragraph with a link in it."""
    text = " ".join(sentence(chance) for _ in range(chance.randint(2, 7)))
    return f'<p class="c-text">{text} <a href="/n/{chance.randint(1, 9_999)}">See there</a>.</p>'


def page(number: int) -> str:
    """Write a page as sites do: an article with headings and tables, and much around it."""
    chance = random.Random(SEED + number)  # noqa: S311 - nothing secret hangs on it
    menu = "".join(
        f'<li class="menu-item menu-item-{item}"><a class="menu-link" href="/t/{item}">'
        f"{chance.choice(VOCABULARY)} {chance.choice(VOCABULARY)}</a></li>"
        for item in range(60)
    )
    rows = "".join(
        f"<tr><td>{chance.choice(VOCABULARY)}</td><td>{chance.randint(1, 99)}</td></tr>"
        for _ in range(8)
    )
    blocks: list[str] = []
    size = chance.randint(14_000, 42_000)
    while sum(map(len, blocks)) < size:
        blocks += [f"<h2>{sentence(chance)}</h2>", *(paragraph(chance) for _ in range(4))]
    blocks.insert(len(blocks) // 2, f"<table><tr><th>What</th><th>How much</th></tr>{rows}</table>")
    return (
        f"<!doctype html><html lang=en><head><title>{sentence(chance)}</title><meta charset=utf-8>"
        f"<style>{'.c-text {margin: 0}' * 200}</style></head><body><nav><ul>{menu}</ul></nav>"
        f"<main><article><h1>{sentence(chance)}</h1>{''.join(blocks)}</article></main>"
        f"<aside><ul>{menu}</ul></aside><footer><p>All rights reserved.</p></footer></body></html>"
    )


async def lateness(late: list[float]) -> None:
    """Note again and again by how much a short sleep took too long."""
    while True:
        started = time.perf_counter()
        await asyncio.sleep(TICK_SECONDS)
        late.append(time.perf_counter() - started - TICK_SECONDS)


async def parsed(parser: Parser, bodies: Sequence[bytes]) -> tuple[float, list[str]]:
    """Parse all at once; return the seconds it took, and the texts."""
    started = time.perf_counter()
    asked = (parser.parse(body, "text/html", "", "https://example.org/a") for body in bodies)
    pages = await asyncio.gather(*asked)
    return time.perf_counter() - started, [page.text for page in pages]


def f1(ours: str, theirs: str) -> float:
    """Return the F1 of our tokens, theirs being right."""
    found, wanted = Counter(_TOKEN.findall(ours)), Counter(_TOKEN.findall(theirs))
    both = (found & wanted).total()
    return 2 * both / (found.total() + wanted.total()) if both else 0.0


def raw(html: str) -> str:
    """Return what trafilatura makes of a page by itself."""
    return trafilatura.extract(html, include_comments=False, include_tables=True) or ""


async def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=PAGES)
    htmls = [page(number) for number in range(options.parse_args().pages)]
    bodies = [html.encode() for html in htmls]
    blocks = [bodies[start::BLOCKS] for start in range(BLOCKS)]
    alone, paired = Parser(workers=1), Parser(workers=2)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    texts: list[list[str]] = []
    late: list[float] = []
    await asyncio.gather(alone.warm(), paired.warm(2))
    await asyncio.gather(parsed(alone, bodies[:4]), parsed(paired, bodies[:8]))
    watch = asyncio.create_task(lateness(late))
    for block in blocks:
        for parser in (alone, paired):
            took, read = await parsed(parser, block)
            seconds[parser.workers].append(took)
        texts.append(read)
    watch.cancel()
    await asyncio.gather(alone.aclose(), paired.aclose())
    pairs = zip(
        chain(*texts), chain(*(htmls[start::BLOCKS] for start in range(BLOCKS))), strict=True
    )
    scores = [f1(text, raw(html)) for text, html in pairs]
    result = {
        "pages": len(htmls),
        "mean_kb": round(statistics.mean(map(len, bodies)) / 1_000, 1),
        "one_worker_pages_per_s": round(len(htmls) / sum(seconds[1]), 1),
        "two_workers_pages_per_s": round(len(htmls) / sum(seconds[2]), 1),
        "ratio": round(sum(seconds[1]) / sum(seconds[2]), 2),
        "loop_late_p99_ms": round(statistics.quantiles(late, n=100)[98] * 1_000, 1),
        "loop_late_most_ms": round(max(late) * 1_000, 1),
        "f1_mean": round(statistics.mean(scores), 5),
        "f1_least": round(min(scores), 5),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
