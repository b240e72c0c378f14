import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.evidence import Source
from agent.domain.passages import passages
from agent.domain.question import Brief, Question, Scope, SubQuestion
from agent.domain.report import (
    Citation,
    Claim,
    Report,
    Run,
    Section,
    SummarySentence,
    Usage,
)
from agent.stages.limits import Brake
from agent.stages.reading import Desk
from agent.stages.recall import Recalled, recall
from agent.stages.rereading import Past
from agent.testing import MemoryDocuments, ShelfReader, SteppingClock

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
PRICE: Final = "A sodium-ion cell costs 87 dollars per kilowatt-hour in large orders."
LIFE: Final = "Cells of this kind keep 80 percent of their capacity after 4,000 cycles."
COLD: Final = "At minus 20 degrees they lose 11 percent of what they hold."
A, B = "https://a.example", "https://b.example"

Said = tuple[str, tuple[tuple[str, str], ...]]
"""A claim: its sentence, and the address and the quote of each of its citations."""


def report(texts: Mapping[str, str], *claims: Said) -> Report:
    """Return the report of a run that read these texts and claimed each on a sub-question of its
    own."""
    sources = tuple(
        Source(
            id=f"S{n}",
            kind="web",
            url=url,
            title=f"Title of {url}",
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            read_at=NOON,
            spans=(),
            read_url=url,
        )
        for n, (url, text) in enumerate(texts.items(), start=1)
    )
    ids = {source.url: source.id for source in sources}

    def citation(url: str, quote: str) -> Citation:
        start = texts[url].index(quote)
        return Citation(ids[url], f"{ids[url]}.1", quote, start, start + len(quote))

    sections = tuple(
        Section(f"Part {n}", (f"q{n}",), (Claim(f"c{n}", said, "held", tuple(
            citation(url, quote) for url, quote in quotes
        ), judge="rules" if said.isascii() else "model"),))
        for n, (said, quotes) in enumerate(claims, start=1)
    )  # fmt: skip
    return Report(
        run=Run("before", Question("cells"), NOON, NOON, "complete"),
        brief=Brief(
            "What of cells?",
            "en",
            tuple(SubQuestion(f"q{n}", f"Part {n}?") for n, _ in enumerate(claims, start=1)),
            ("cells",),
            (),
        ),
        sections=sections,
        dropped=(),
        gaps=(),
        sources=sources,
        failures=(),
        usage=Usage(),
        seconds_by_stage={},
        summary=tuple(SummarySentence(said, (f"c{n}",)) for n, (said, _) in enumerate(claims, 1)),
    )


async def recalled(
    before: Mapping[str, str], now: Mapping[str, str], *claims: Said
) -> tuple[Recalled, MemoryDocuments]:
    kept, fresh = MemoryDocuments(), MemoryDocuments()
    for text in before.values():
        await kept.put(text)
    desk = Desk(ShelfReader(now), fresh, SteppingClock(), Scope(), asyncio.Semaphore(4))
    past = Past(report(before, *claims), kept)
    return await recall(past, desk=desk, brake=Brake()), fresh


def sentences(found: Recalled) -> list[str]:
    return [claim.sentence for claim in found.verified.claims]


async def test_what_stands_elsewhere_as_well_outlives_a_page_that_is_gone() -> None:
    both: Said = (PRICE, ((A, PRICE), (B, PRICE)))
    found, _ = await recalled({A: PRICE, B: PRICE}, {B: PRICE}, both)
    assert sentences(found) == [PRICE]
    assert found.news.changes == ()
    assert [failure.what for failure in found.evidence.failures] == [A]
    ((citation,),) = [claim.citations for claim in found.verified.claims]
    assert citation.source == "S1"
    assert found.evidence.sources[0].url == B


async def test_a_claim_in_another_language_outlives_one_of_its_two_pages() -> None:
    said: Said = ("钠离子电池大批订购每千瓦时87美元。", ((A, PRICE), (B, PRICE)))
    found, _ = await recalled({A: PRICE, B: PRICE}, {B: PRICE}, said)
    assert sentences(found) == [said[0]]
    assert found.news.changes == ()


async def test_where_one_of_two_pages_says_otherwise_now_the_claim_stays_and_that_is_told() -> None:
    both: Said = (PRICE, ((A, PRICE), (B, PRICE)))
    other = PRICE.replace("87", "79")
    found, _ = await recalled({A: PRICE, B: PRICE}, {A: other, B: PRICE}, both)
    (change,) = found.news.changes
    assert (change.kind, change.claims) == ("changed", ("c1",))
    assert ([q.quote for q in change.before], [q.quote for q in change.after]) == ([PRICE], [other])
    assert [c.source for claim in found.verified.claims for c in claim.citations] == ["S2"]
    assert found.news.to_write == ()


async def test_a_claim_in_other_words_whose_number_was_edited_is_to_be_written_anew() -> None:
    text = f"{LIFE} {PRICE} {COLD}"
    claims: list[Said] = [
        ("Cells cost 87 dollars per kilowatt-hour.", ((A, PRICE),)),
        ("Capacity is 80 percent after 4,000 cycles.", ((A, LIFE),)),
    ]
    found, _ = await recalled({A: text}, {A: text.replace("87", "79")}, *claims)
    assert sentences(found) == [claims[1][0]]
    assert [change.kind for change in found.news.changes] == ["changed"]
    assert (found.news.to_read, found.news.to_write) == (("S1",), ("q1",))
    assert [said.sentence for said in found.summary] == [claims[1][0]]
    assert [said.claims for said in found.summary] == [("c1",)]


async def test_a_quote_that_is_now_denied_holds_nothing_though_its_words_still_stand() -> None:
    quote = PRICE.rstrip(".")
    text = f"It was once thought that {quote}."
    found, _ = await recalled({A: PRICE}, {A: text}, (PRICE, ((A, quote),)))
    assert sentences(found) == []
    (change,) = found.news.changes
    assert change.kind == "changed"
    assert [q.quote for q in change.after] == [text]


@pytest.mark.parametrize(("times", "read"), [(1, ()), (8, ("S1",))])
async def test_a_page_that_gained_a_paragraph_is_written_on_again_and_a_line_is_not_enough(
    times: int, read: tuple[str, ...]
) -> None:
    more = " ".join(f"Plant number {n} will open in the north by spring." for n in range(times))
    text = "\n\n".join([PRICE] * 14)
    found, _ = await recalled({A: text}, {A: f"{text}\n\n{more}"}, (PRICE, ((A, PRICE),)))
    assert found.news.to_read == read
    assert found.news.to_write == (("q1",) if read else ())
    passages_read = found.news.passages(found.evidence)
    assert len(passages_read) == len(read)
    assert passages_read < {f"S1.{n}" for n in range(1, 1 + len(found.evidence.sources[0].spans))}


async def test_a_brake_that_was_pulled_leaves_everything_as_it_was_read() -> None:
    past = report({A: PRICE}, (PRICE, ((A, PRICE),)))
    documents, reader, brake = MemoryDocuments(), ShelfReader({}), Brake()
    await documents.put(PRICE)
    brake.pull("it is late")
    desk = Desk(reader, MemoryDocuments(), SteppingClock(), Scope(), asyncio.Semaphore(1))
    found = await recall(Past(past, documents), desk=desk, brake=brake)
    assert sentences(found) == [PRICE]
    assert reader.read_addresses == []
    assert "it is late" in found.evidence.failures[0].why
    assert list(brake.cut) == ["it is late"]


EDITS: Final[dict[str, Callable[[str], str]]] = {
    "as it was": lambda said: said,
    "gone": lambda _: "",
    "number": lambda said: said.replace("8", "9").replace("11", "12"),
    "longer": lambda said: f"Some say otherwise, but {said[0].lower()}{said[1:]}",
    "moved": lambda said: f"{said}\n\nThis page was printed on a Monday.",
}


@settings(max_examples=60, deadline=None)
@given(edits=st.lists(st.sampled_from(sorted(EDITS)), min_size=3, max_size=3), turned=st.booleans())
def test_every_claim_is_carried_or_told_and_every_quote_stands_where_it_is_said_to(
    edits: list[str], *, turned: bool
) -> None:
    said = [PRICE, LIFE, COLD]
    new = [EDITS[edit](one) for edit, one in zip(edits, said, strict=True)]
    text = "\n\n".join(reversed(new) if turned else new)
    now = {A: text} if text.strip() else {}
    claims: list[Said] = [(one, ((A, one),)) for one in said]
    found, fresh = asyncio.run(recalled({A: "\n\n".join(said)}, now, *claims))
    told = {change.sentence for change in found.news.changes}
    assert set(sentences(found)) | told == set(said)
    same = {"as it was", "moved"}
    unchanged = {one for edit, one in zip(edits, said, strict=True) if edit in same}
    assert unchanged.isdisjoint(told)
    texts = {source.id: fresh.texts[source.sha256] for source in found.evidence.sources}
    for claim in found.verified.claims:
        for one in claim.citations:
            assert texts[one.source][one.start : one.end] == one.quote
    for change in found.news.changes:
        for shown in (*change.before, *change.after):
            assert fresh.texts[shown.sha256][shown.start : shown.end] == shown.quote
    assert [claim.id for claim in found.verified.claims] == list(found.news.claims)
    assert all(s.spans == passages(texts[s.id]) for s in found.evidence.sources)
