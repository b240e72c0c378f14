from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.evidence import Evidence, Source
from agent.domain.passages import passages
from agent.domain.prompt import Prompt
from agent.domain.question import Brief, SubQuestion
from agent.domain.report import (
    Citation,
    Claim,
    Draft,
    DraftClaim,
    DraftSection,
    Dropped,
    Quotation,
    Section,
    Usage,
    Verified,
)
from agent.errors import AnswerUnusable, ModelUnavailable
from agent.ports import ChatModel
from agent.stages.thrift import Thrifty
from agent.stages.verify import REPAIRS_PER_CALL, verify
from agent.testing import Answer, Answers, MemoryDocuments, ScriptedModel

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
    *sections: DraftSection,
    model: ChatModel | None = None,
    before: Verified | None = None,
    injections: int = 0,
) -> Verified:
    documents = MemoryDocuments()
    digest = await documents.put(TEXT)
    source = Source("S1", "web", "u", "t", digest, datetime.now(UTC), passages(TEXT))
    source = replace(source, injections=injections)
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
        return {
            "claims": [
                {"claim": 1, "sentence": "It holds 128,000 tokens.", "citations": [citation]}
            ]
        }

    model = ScriptedModel(mend)
    result = await verified(section(claim("The window holds 9 tokens.", TRUE)), model=model)
    assert [(c.sentence, c.verdict) for c in result.claims] == [
        ("It holds 128,000 tokens.", "repaired")
    ]
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
    result = await verified(
        section(claim("It is.", FALSE), claim("It holds tokens.", TRUE)), model=model
    )
    assert [c.sentence for c in result.claims] == ["It holds tokens."]
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
    first = await verified(section(claim("It holds tokens.", TRUE)), section(claim("No.", FALSE)))
    second = await verified(section(claim("The window holds many tokens.", TRUE)), before=first)
    assert [c.id for c in second.claims] == ["c1", "c2"]
    assert len(second.sections) == 1  # the same sub-question goes on in the same section
    assert second.covers("q1")
    assert not Verified().covers("q1")


DOUBTFUL = "窗口可以容纳很多词元。"
"""True of the text, and not in its language, so that words alone cannot tell."""


def ruling(verdict: str, words: str) -> Answers:
    def judge(task: str, prompt: Prompt) -> Answer:
        if task == "judge":
            return {"rulings": [{"claim": 1, "verdict": verdict, "words": words}]}
        return {"claims": []}

    return judge


async def test_a_doubt_is_settled_by_a_judge_who_names_the_words() -> None:
    model = ScriptedModel(ruling("supported", "holds 128,000 tokens"))
    result = await verified(section(claim(DOUBTFUL, TRUE)), model=model)
    assert [(c.sentence, c.judge) for c in result.claims] == [(DOUBTFUL, "model")]
    assert [task for task, _ in model.asked] == ["judge"]
    assert f"claim 1: {DOUBTFUL}\nevidence 1: The window holds 128,000" in model.asked[0][1].user


@pytest.mark.parametrize(
    ("verdict", "words", "reason"),
    [
        ("supported", "it holds whole libraries", "words that are not in the evidence"),
        ("supported", "", "words that are not in the evidence"),
        ("unsupported", "", "the evidence does not support it"),
        ("contradicted", "128,000 tokens", "the evidence contradicts it: 128,000 tokens"),
        ("yes", "holds 128,000 tokens", "does not support it"),
    ],
)
async def test_a_judge_who_does_not_support_a_claim_by_its_evidence_refuses_it(
    verdict: str, words: str, reason: str
) -> None:
    model = ScriptedModel(ruling(verdict, words))
    result = await verified(section(claim(DOUBTFUL, TRUE)), model=model)
    assert result.claims == ()
    assert reason in result.dropped[0].reason
    assert [task for task, _ in model.asked] == ["judge", "repair"]


async def test_a_claim_nobody_ruled_on_does_not_hold() -> None:
    def silent(task: str, prompt: Prompt) -> Answer:
        return {"rulings": []} if task == "judge" else {"claims": []}

    result = await verified(section(claim(DOUBTFUL, TRUE)), model=ScriptedModel(silent))
    assert "did not rule on it" in result.dropped[0].reason


async def test_a_judge_who_cannot_be_asked_is_told_of_and_holds_nothing() -> None:
    model = ScriptedModel(lambda task, prompt: ModelUnavailable("all keys cool"))
    result = await verified(section(claim(DOUBTFUL, TRUE)), model=model)
    assert "all keys cool" in result.dropped[0].reason
    assert [f.what for f in result.failures] == [
        "the judge could not be asked",
        "1 claims could not be sent back for repair",
    ]


async def test_no_judge_is_asked_about_a_source_that_gives_orders() -> None:
    model = ScriptedModel(ruling("supported", "holds 128,000 tokens"))
    result = await verified(section(claim(DOUBTFUL, TRUE)), model=model, injections=1)
    assert "gives orders" in result.dropped[0].reason
    assert "judge" not in [task for task, _ in model.asked]


async def test_a_mended_claim_is_checked_and_judged_like_any_other() -> None:
    def mend(task: str, prompt: Prompt) -> Answer:
        if task == "judge":
            return {"rulings": [{"claim": 1, "verdict": "supported", "words": TRUE[1]}]}
        citation = {"passage": TRUE[0], "quote": TRUE[1]}
        return {"claims": [{"claim": 1, "sentence": DOUBTFUL, "citations": [citation]}]}

    result = await verified(section(claim("The window holds 9.", TRUE)), model=ScriptedModel(mend))
    assert [(c.verdict, c.judge) for c in result.claims] == [("repaired", "model")]


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Its price rose by 40 percent.", "the other way"),
        ("Its price did not fall by 40 percent.", "says no"),
        ("The price of Gemini fell by 40 percent.", "Gemini"),
        ("Its price fell by 40 dollars.", "40 dollar"),
    ],
)
async def test_rules_refuse_what_a_quote_nearly_says(sentence: str, reason: str) -> None:
    quote = ("S1.1", "Its price fell by 40 percent")
    model = ScriptedModel(ruling("supported", quote[1]))
    result = await verified(section(claim(sentence, quote)), model=model)
    assert result.claims == ()
    assert reason in result.dropped[0].reason
    assert "judge" not in [task for task, _ in model.asked]


async def test_verification_takes_a_share_of_the_tokens_and_no_more() -> None:
    used = Usage(9, 30_000, 0, by_task={"repair": Usage(1, 2_900, 50)})
    model = ScriptedModel(nothing)
    result = await verified(section(claim("It is.", FALSE)), model=Thrifty(model, used))
    assert model.asked == []
    assert "10% of the run's tokens" in result.failures[0].why
    assert len(result.dropped) == 1
    mostly = replace(used, input_tokens=40_000)
    await verified(section(claim("It is.", FALSE)), model=Thrifty(model, mostly))
    assert len(model.asked) == 1


async def test_where_no_tokens_are_reported_there_is_nothing_to_take_a_share_of() -> None:
    model = ScriptedModel(nothing)
    await verified(section(claim("It is.", FALSE)), model=Thrifty(model, Usage()))
    assert len(model.asked) == 1


def test_a_dropped_sentence_matters_where_too_little_is_left_on_its_sub_question() -> None:
    one = Claim("c1", "It is.", "held", (Citation("S1", "S1.1", "It is", 0, 5),))
    other = replace(one, id="c2", sentence="It was.")
    lost = Dropped("It will be.", "why", ("q1",))
    again = Dropped("It is.", "says the same as c1")
    thin = Verified((Section("One", ("q1",), (one,)),), (lost, again))
    assert thin.missed == (lost,)
    assert replace(thin, sections=(Section("One", ("q1",), (one, other)),)).missed == ()
