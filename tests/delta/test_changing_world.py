from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import wiring
from agent.checking import check
from agent.domain.changes import Change
from agent.domain.question import Question
from agent.domain.report import Report
from agent.errors import InvalidQuestion, RunUnknown
from agent.rendering.reading_back import read

if TYPE_CHECKING:
    from tests.delta.conftest import Begun


def tokens(report: Report) -> int:
    return report.usage.input_tokens + report.usage.output_tokens


def told(report: Report) -> dict[str, tuple[str, list[str], list[str]]]:
    """Return the changes by kind; each kind may be there once."""
    kinds = [change.kind for change in report.changes]
    assert len(kinds) == len(set(kinds))
    return {
        change.kind: (
            change.sentence,
            [one.quote for one in change.before],
            [one.quote for one in change.after],
        )
        for change in report.changes
    }


def looked_up(change: Change, folder: Path) -> bool:
    """Whether every quote stands in the run's own folder where the change says."""
    return all(
        (folder / "documents" / f"{one.sha256}.txt").read_text()[one.start : one.end] == one.quote
        for one in (*change.before, *change.after)
    )


async def test_what_is_new_edited_withdrawn_and_retracted_is_told_and_nothing_else(
    begun: Begun,
) -> None:
    web, first = begun.web, begun.first
    web.pages["cost"] = tuple(line.replace("87", "79") for line in web.PAGES["cost"])
    web.pages["plant"] = (
        "A new plant",
        "A new plant will build sodium-ion batteries for grid storage of 900 megawatt-hours.",
        "It opens in spring and serves the sites along the coast of the country.",
    )
    del web.pages["fire"]
    web.is_retracted = True
    second = await begun.again()
    assert told(second) == {
        "new": (web.pages["plant"][1], [], [web.pages["plant"][1]]),
        "changed": (web.pages["cost"][1], [web.PAGES["cost"][1]], [web.pages["cost"][1]]),
        "withdrawn": (web.PAGES["fire"][1], [web.PAGES["fire"][1]], []),
        "retracted": (web.PAPER[0], [web.PAPER[1]], []),
    }
    assert second.predecessor is not None
    assert second.predecessor.run == first.run.id
    folder = begun.settings.out / second.run.id
    assert all(looked_up(change, folder) for change in second.changes)
    text = (folder / "report.json").read_text()
    assert read(text).changes == second.changes
    assert tokens(second) < tokens(first)


async def test_where_nothing_changed_no_model_is_asked_and_no_page_sent_again(begun: Begun) -> None:
    web, first = begun.web, begun.first
    second = await begun.again()
    assert (second.usage.calls, second.changes, second.run.status) == (0, (), "complete")
    assert [c.sentence for c in second.claims] == [c.sentence for c in first.claims]
    assert second.summary == first.summary
    assert {status for path, status in web.asked if path.strip("/") in web.PAGES} == {304}
    third = await begun.again(second.run.id)
    assert (third.usage.calls, third.changes) == (0, ())


async def test_a_page_that_only_says_it_no_more_is_told_from_one_that_is_gone(begun: Begun) -> None:
    web = begun.web
    title, _, rest = web.PAGES["share"]
    web.pages["share"] = (title, rest)
    del web.pages["jobs"]
    second = await begun.again()
    gone = {change.before[0].title: change.gone for change in second.changes}
    assert gone == {"Market shares": False, "Work in the plants": True}
    assert second.usage.calls == 0


async def test_a_page_that_cannot_be_read_for_now_withdraws_nothing_and_is_told(
    begun: Begun,
) -> None:
    web, first = begun.web, begun.first
    web.broken = frozenset({"cost"})
    second = await begun.again()
    assert second.changes == ()
    (failure,) = second.failures
    assert failure.what.endswith("/cost")
    assert "503" in failure.why
    assert len(second.claims) == len(first.claims)


async def test_a_retraction_is_found_though_no_search_finds_the_paper_any_more(
    begun: Begun,
) -> None:
    begun.web.is_retracted = begun.web.is_hidden = True
    second = await begun.again()
    assert told(second) == {"retracted": (begun.web.PAPER[0], [begun.web.PAPER[1]], [])}
    assert second.usage.calls == 0
    third = await begun.again(second.run.id)
    assert third.changes == ()


async def test_words_moved_around_on_a_page_change_nothing(begun: Begun) -> None:
    web = begun.web
    title, said, rest = web.PAGES["cost"]
    web.pages["cost"] = (title, "Updated on Monday.", rest, said)
    second = await begun.again()
    assert (second.changes, second.usage.calls) == ((), 0)
    (claim,) = [claim for claim in second.claims if claim.sentence == said]
    assert claim.citations[0].quote == said


async def test_a_rewording_is_written_anew_and_told_with_both_wordings(begun: Begun) -> None:
    web = begun.web
    title, said, rest = web.PAGES["jobs"]
    web.pages["jobs"] = (title, said.replace("employs", "now employs"), rest)
    second = await begun.again()
    (change,) = second.changes
    assert (change.kind, change.sentence) == ("changed", web.pages["jobs"][1])
    assert (change.before[0].quote, change.after[0].quote) == (said, web.pages["jobs"][1])
    assert change.claims[0] in {claim.id for claim in second.claims}
    assert tokens(second) < tokens(begun.first) / 2


async def test_a_predecessor_has_to_be_there_and_to_have_been_asked_the_same(begun: Begun) -> None:
    with pytest.raises(RunUnknown, match="cannot be read"):
        await begun.again("2026-01-01-nothing-abcdef")
    other = Question("Another matter", predecessor=begun.first.run.id)
    with pytest.raises(InvalidQuestion, match="was asked"):
        await wiring.research(other, settings=begun.settings, embedded=True)
    assert len(list(begun.settings.out.iterdir())) == 1


async def test_verify_looks_the_quotes_of_changes_up_and_misses_none(begun: Begun) -> None:
    web = begun.web
    del web.pages["fire"]
    web.pages["cost"] = tuple(line.replace("87", "79") for line in web.PAGES["cost"])
    folder = begun.settings.out / (await begun.again()).run.id
    assert check(folder).breaches == ()
    file = folder / "report.json"
    file.write_text(file.read_text().replace("41 sites", "14 sites"))
    assert "change 2" in {breach.where for breach in check(folder).breaches}
