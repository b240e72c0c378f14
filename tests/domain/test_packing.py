from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.evidence import Source
from agent.domain.packing import PackedSource, pack, whole
from agent.domain.passages import passages

CRANES = "Cranes lift containers in the harbour of Port Ellis every day. " * 20
BREAD = "Bread needs salt, time and a hot oven to become good bread. " * 20
TRAMS = "Trams run on tracks and carry people to the market square. " * 20


def shelf(*texts: str) -> tuple[PackedSource, ...]:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    sources = [
        Source(f"S{n}", "web", f"https://{n}.example", f"Title {n}", str(n), at, passages(text))
        for n, text in enumerate(texts, start=1)
    ]
    return whole(sources, {str(n): text for n, text in enumerate(texts, start=1)})


def words(text: str) -> int:
    return len(text.split())


def test_four_hundred_thousand_tokens_go_whole_into_a_window_of_a_million() -> None:
    sources = shelf(*(CRANES * 160 for _ in range(14)))
    packed = pack(sources, queries=["bread"], room=800_000, tokens=lambda text: len(text) // 4)
    assert packed.every_tokens > 400_000
    assert packed.sources == sources
    assert packed.spill == ""


def test_each_query_keeps_its_best_passages_however_much_there_is_for_another() -> None:
    sources = shelf(CRANES * 30, BREAD, TRAMS)
    packed = pack(sources, queries=["harbour cranes", "bread oven"], room=1_400, tokens=words)
    kept = {packed_source.source.id for packed_source in packed.sources}
    assert {"S1", "S2"} <= kept
    assert len(packed.sources[1].passages) == len(sources[1].passages)


def test_what_no_query_asks_for_is_left_out_first_and_the_spill_is_told_in_numbers() -> None:
    packed = pack(shelf(BREAD, CRANES), queries=["harbour cranes"], room=400, tokens=words)
    assert packed.sources[-1].source.id == "S2"
    assert len(packed.sources[-1].passages) == len(shelf(BREAD, CRANES)[1].passages)
    assert f"{packed.every - packed.kept} of {packed.every} passages" in packed.spill
    assert "room for 400 tokens" in packed.spill


def test_the_most_relevant_passage_wins_over_those_before_it() -> None:
    filler = "The harbour is old. " * 45
    text = filler * 5 + "The harbour crane of Port Ellis lifts exactly 412 tonnes. " + filler * 5
    packed = pack(shelf(text), queries=["crane lifts tonnes"], room=260, tokens=words)
    assert any("412 tonnes" in passage.text for passage in packed.sources[0].passages)


@given(
    st.lists(st.sampled_from([CRANES, BREAD, TRAMS, "Short."]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["cranes", "bread", "trams", "nothing"]), max_size=3),
    st.integers(min_value=0, max_value=2_000),
)
def test_packing_keeps_whole_passages_in_reading_order_within_the_room(
    texts: list[str], queries: list[str], room: int
) -> None:
    sources = shelf(*texts)
    packed = pack(sources, queries=queries, room=room, tokens=words)
    every = [passage for source in sources for passage in source.passages]
    kept = [passage for source in packed.sources for passage in source.passages]
    assert kept == [passage for passage in every if passage in kept]
    assert packed.kept == len(kept)
    assert packed.kept_tokens <= room
    assert sum(words(f"{passage.id} {passage.text}") for passage in kept) <= room
    assert bool(packed.spill) is (len(kept) < len(every))
