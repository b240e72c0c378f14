"""Two hundred sources as they come: odd names, hostile characters, and one of 3,000 authors."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from agent.domain.evidence import Publication, Source
from agent.domain.question import SOURCE_KINDS
from agent.domain.report import Citation, Claim, Report, Section

TITLES = (
    "Field trial of heat pumps in 742 homes: final report", "50% of $5 & #1_2 {braced} ~tilde^",
    "城市公园夏季降温实测：方法与结果", "An unclosed { brace", "and a } closed one", r"Back\slash",
    "Two\nlines\r\nof title", "TY  - JOUR", "ER  - \nTY  - BOOK", "@misc{evil, title={x}}",
    '"Quoted" & <b>bold</b>', "%comment", "ß ø Å é 한국어 العربية", "</script><script>alert(1)",
    "Ends with a backslash\\", "\u202eturned", "",
)  # fmt: skip
AUTHORS = (
    ("Ann Lee", "Doe, Jo"), ("王小明", "李华"), ("Centre for Home Energy",), (), ("Plato",),
    ("Ludwig van Beethoven", "Martin Luther King Jr."), ("others",), ("Smith and Sons & Co.",),
    ("O'Neill, Paul", "Łukasz Bjørn-Ødegård"), ("{Braced} Name", "A, B, C"), ("Ann\nLee", " , "),
    ("AUTHOR = {x}",), ("Müller, Jürgen-Peter",), ("김철수",), ("Ana M. Ruiz y Picasso",),
)  # fmt: skip
WORKS = (
    Publication(), Publication("10.1000/heat_(7)%2", "2403.04567", venue="Heat & Homes {A}"),
    Publication(pmid="123456", venue="地理学报"), Publication("10.1000/x#y", retracted=True),
)  # fmt: skip
DAYS = (None, date(2024, 3, 7), date(1999, 12, 31), date(987, 1, 2))


@pytest.fixture
def mixed(english: Report) -> Report:
    """The sources in all mixtures, each cited once."""
    crowd = tuple(
        f"Given Family{''.join(letters)}"
        for letters in itertools.product("abcdefghijklmno", repeat=3)
    )[:3_000]
    mixtures = zip(*map(itertools.cycle, (TITLES, AUTHORS, WORKS)), strict=True)
    sources = [
        Source(
            f"S{number}",
            SOURCE_KINDS[number % 4],
            f"https://x.example/{number}?q={{a}}&b=%20_#c",
            title,
            f"{number:064x}",
            datetime(2026, 11, 22, tzinfo=UTC),
            (),
            authors,
            DAYS[number % 7 % 4],
            publication=work,
        )
        for number, (title, authors, work) in zip(range(200), mixtures, strict=False)
    ]
    sources[7] = replace(sources[7], authors=crowd)
    claims = tuple(
        Claim(f"c{s.id}", "It holds.", "held", (Citation(s.id, f"{s.id}.1", "a quote", 0, 7),))
        for s in sources
    )
    return replace(
        english, sources=tuple(sources), sections=(Section("All", ("q1",), claims),), summary=()
    )
