from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.evidence import Evidence, Source
from agent.domain.passages import passages
from agent.domain.prompt import Prompt
from agent.domain.question import Brief, SubQuestion
from agent.domain.report import Draft, DraftClaim, DraftSection, Quotation, Verified
from agent.errors import AnswerUnusable
from agent.stages.verify import REPAIRS_PER_CALL, verify
from agent.testing import Answer, MemoryDocuments, ScriptedModel

TEXT = "The window holds 128,000 tokens. Its price fell by 40 percent. It is slow at night."
BRIEF = Brief("It?", "en", (SubQuestion("q1", "How?"),), ("a",), ())
TRUE = ("S1.1", "The window holds 128,000 tokens")
FALSE = ("S1.1", "The window holds two tokens")


def claim(sentence: str, *quotations: tuple[str, str]) -> DraftClaim:
    return DraftClaim(sentence, tuple(Quotation(*quotation) for quotation in quotations))


def section(*claims: DraftClaim, title: str = "One") -> DraftSection:
    return DraftSection(title, ("q1",), claims)


def nothing(task: str, prompt: Prompt) -> Answer:
    return {"claims": []}


async def verified(
    *sections: DraftSection, model: ScriptedModel | None = None, before: Verified | None = None
) -> Verified:
    documents = MemoryDocuments()
    digest = await documents.put(TEXT)
    source = Source("S1", "web", "u", "t", digest, datetime.now(UTC), passages(TEXT))
    return await verify(
        Draft(sections),
        BRIEF,
        Evidence(sources=(source,)),
        before or Verified(),
        model=model or ScriptedModel(nothing),
        documents=documents,
    )


quotations = st.lists(
    st.tuples(
        st.sampled_from(["S1.1", "S1.9", "S7.1", ""]), st.text(max_size=8) | st.just(TRUE[1])
    ),
    max_size=3,
)
claims = st.builds(
    lambda sentence, cited: claim(sentence, *cited), st.sampled_from("abcdef"), quotations
)


@given(st.lists(st.lists(claims, max_size=4), max_size=3))
async def test_every_claim_is_held_or_dropped_and_never_both(
    drafted: list[list[DraftClaim]],
) -> None:
    result = await verified(*(section(*some) for some in drafted))
    sentences = [one.sentence for some in drafted for one in some]
    ended = [c.sentence for c in result.claims] + [d.sentence for d in result.dropped]
    assert sorted(ended) == sorted(sentences)
    assert all(dropped.reason for dropped in result.dropped)
    for held in result.claims:
        for citation in held.citations:
            assert citation.quote == TEXT[citation.start : citation.end] != ""


async def test_what_failed_goes_back_once_with_its_reason_and_the_nearest_passages() -> None:
    def mend(task: str, prompt: Prompt) -> Answer:
        assert task == "repair"
        assert (
            "claim 1: The window holds 9 tokens.\nfailed because: the quotes do not" in prompt.user
        )
        assert "S1.1 The window holds 128,000 tokens." in prompt.user
        citation = {"passage": TRUE[0], "quote": TRUE[1]}
        return {"claims": [{"claim": 1, "sentence": "It holds 128K.", "citations": [citation]}]}

    model = ScriptedModel(mend)
    result = await verified(section(claim("The window holds 9 tokens.", TRUE)), model=model)
    assert [(c.sentence, c.verdict) for c in result.claims] == [("It holds 128K.", "repaired")]
    assert result.dropped == ()
    assert len(model.asked) == 1


async def test_a_repair_that_does_not_hold_either_is_dropped_with_the_first_reason() -> None:
    def worse(task: str, prompt: Prompt) -> Answer:
        citation = {"passage": "S4.4", "quote": "nowhere at all"}
        return {
            "claims": [
                {"claim": 1, "sentence": "Still wrong.", "citations": [citation]},
                {"claim": 99, "sentence": "Nobody asked.", "citations": [citation]},
            ]
        }

    result = await verified(section(claim("It is.", FALSE)), model=ScriptedModel(worse))
    assert [(d.sentence, d.reason) for d in result.dropped] == [
        ("It is.", "the quote does not stand in S1.1")
    ]


async def test_if_nothing_can_be_sent_back_the_claims_are_dropped_and_that_is_said() -> None:
    model = ScriptedModel(lambda task, prompt: AnswerUnusable("prose"))
    result = await verified(section(claim("It is.", FALSE), claim("So.", TRUE)), model=model)
    assert [c.sentence for c in result.claims] == ["So."]
    assert len(result.dropped) == 1
    assert result.failures[0].why == "prose"


async def test_many_failed_claims_are_sent_back_in_few_calls() -> None:
    model = ScriptedModel(nothing)
    await verified(section(*(claim(f"Claim {n}.", FALSE) for n in range(25))), model=model)
    assert len(model.asked) == -(-25 // REPAIRS_PER_CALL)


async def test_nothing_is_sent_back_when_everything_holds() -> None:
    model = ScriptedModel(nothing)
    await verified(section(claim("It holds many tokens.", TRUE)), model=model)
    assert model.asked == []


async def test_a_sentence_said_twice_is_kept_once_in_this_round_and_the_next() -> None:
    first = await verified(section(claim("It holds tokens.", TRUE)))
    second = await verified(section(claim("it holds tokens", TRUE), title="Two"), before=first)
    assert [c.id for c in second.claims] == ["c1"]
    assert second.dropped[0].reason == "says the same as c1"


async def test_claims_are_numbered_through_all_rounds_and_sections_without_claims_go() -> None:
    first = await verified(section(claim("A thing.", TRUE)), section(claim("No.", FALSE)))
    second = await verified(section(claim("Another matter.", TRUE)), before=first)
    assert [c.id for c in second.claims] == ["c1", "c2"]
    assert len(second.sections) == 2
    assert second.covers("q1")
    assert not Verified().covers("q1")
