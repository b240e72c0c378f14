"""How long a long report takes to render, and how big it gets: `python benchmarks/rendering.py`.

300 claims over 150 sources, some claims held by three, quotes as long as quotes are. All default
formats are rendered ten times after one to warm up. Prints one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import random
import statistics
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from agent.domain.evidence import Considered, Publication, Source
from agent.domain.question import SOURCE_KINDS, Brief, Question, SubQuestion
from agent.domain.report import (
    Citation,
    Claim,
    Disagreement,
    Report,
    Run,
    Section,
    Side,
    SummarySentence,
    Usage,
)
from agent.rendering import render

CLAIMS = 300
SOURCES = 150
SECTIONS = 10
TIMES = 10
CHANCE = random.Random(7)  # noqa: S311 - the same report in every run
WORDS = "the heat of a pump in old houses was found to rise with flow and fall by measure".split()


def prose(words: int) -> str:
    """Return so many words with a number among them."""
    return f"{' '.join(CHANCE.choices(WORDS, k=words))} {CHANCE.randint(1, 999)}.".capitalize()


def source(number: int) -> Source:
    """Return one of the sources: every kind, some with pages, a few without a date."""
    url = f"https://site{number}.example.org/articles/{number}?part=2"
    return Source(
        f"S{number}",
        SOURCE_KINDS[number % len(SOURCE_KINDS)],
        url,
        prose(9),
        hashlib.sha256(url.encode()).hexdigest(),
        datetime(2026, 11, 22, tzinfo=UTC),
        ((0, 9_000),),
        ("Ingrid Sørensen", "王小明", "Paul O'Neill"),
        date(2014 + number % 12, 1 + number % 12, 1) if number % 9 else None,
        publication=Publication(venue="Heat & Homes", citations=number),
        page_starts=(0, 3_000, 6_000) if number % 4 == 0 else (),
        read_url=url,
    )


def claim(number: int) -> Claim:
    """Return one of the claims, held by one to three sources."""
    held_by = CHANCE.sample(range(SOURCES), 1 + number % 3)
    citations = tuple(
        Citation(f"S{it}", f"S{it}.1", prose(CHANCE.randint(12, 40)), 40, 240) for it in held_by
    )
    return Claim(f"c{number}", prose(20), "held", citations, CHANCE.random())


def long_report() -> Report:
    """Return a report of 300 claims over 150 sources."""
    started = datetime(2026, 11, 22, tzinfo=UTC)
    claims = [claim(number) for number in range(CLAIMS)]
    each = CLAIMS // SECTIONS
    sources = tuple(source(number) for number in range(SOURCES))
    usage = Usage(40, 900_000, 60_000, Decimal("1.21"), cached_tokens=400_000)
    return Report(
        run=Run("long", Question("heat"), started, started + timedelta(minutes=9), "complete"),
        brief=Brief(
            prose(12),
            "en",
            tuple(SubQuestion(f"q{part}", prose(10)) for part in range(SECTIONS)),
            (prose(5),) * 5,
            (),
        ),
        sections=tuple(
            Section(prose(5), (f"q{part}",), tuple(claims[each * part : each * (part + 1)]))
            for part in range(SECTIONS)
        ),
        dropped=(),
        gaps=(),
        sources=sources,
        failures=(),
        usage=Usage(80, 1_800_000, 120_000, Decimal("2.42"), {"write": usage, "judge": usage}),
        seconds_by_stage={"refine": 4.0, "retrieve": 90.0, "synthesize": 200.0, "verify": 60.0},
        considered=tuple(
            Considered(it.url, it.title, True, "best for q1", "q1", ("searxng",))
            for it in sources * 3
        ),
        summary=tuple(SummarySentence(prose(25), (f"c{n}", f"c{n + 1}")) for n in range(6)),
        disagreements=tuple(
            Disagreement(prose(4), "number", (Side(f"c{n}", "4"), Side(f"c{n + 9}", "5")))
            for n in range(5)
        ),
    )


def main() -> None:
    """Print seconds and bytes."""
    report = long_report()
    files = render(report)
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        render(report)
        seconds.append(time.perf_counter() - began)
    print(
        json.dumps(
            {
                "median_s": round(statistics.median(seconds), 3),
                "worst_s": round(max(seconds), 3),
                "bytes": {name: len(text.encode()) for name, text in files.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
