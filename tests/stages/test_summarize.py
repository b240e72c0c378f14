import pytest

from agent.domain.prompt import Prompt
from agent.domain.question import Brief, Manner
from agent.domain.report import Citation, Claim, Section, SummarySentence
from agent.errors import AnswerUnusable
from agent.stages.summarize import summarize
from agent.testing import Answer, ScriptedModel


def claim(id_: str, sentence: str, quote: str) -> Claim:
    return Claim(id_, sentence, "held", (Citation("S1", "S1.1", quote, 0, len(quote)),))


SECTIONS = (
    Section("Length", ("q1",), (
        claim("c1", "The window holds 128,000 tokens.", "a window of 128,000 tokens"),
        claim("c2", "Recall falls by 12 percent beyond it.", "recall fell by 12 percent"),
    )),
    Section("Cost", ("q2",), (
        claim("c3", "Retrieval costs 2 cents a question.", "2 cents for each question asked"),
    )),
)  # fmt: skip


def saying(*sentences: tuple[str, list[str]]) -> ScriptedModel:
    said = [{"sentence": sentence, "claims": claims} for sentence, claims in sentences]
    return ScriptedModel(lambda task, prompt: {"sentences": said})


async def test_a_sentence_that_condenses_claims_is_kept_with_their_ids(brief: Brief) -> None:
    sentence = "The window holds 128,000 tokens, and retrieval costs 2 cents a question."
    model = saying((sentence, ["c1", " c3 ", "c1"]))
    summary, failures = await summarize(SECTIONS, brief, model=model)
    assert summary == (SummarySentence(sentence, ("c1", "c3")),)
    assert failures == ()
    asked = model.asked[0][1].user
    assert "\nc2: Recall falls by 12 percent beyond it.\n" in asked


@pytest.mark.parametrize(
    ("sentence", "claims", "why"),
    [
        ("The window holds 128,000 tokens.", [], "names no claim"),
        ("The window holds 128,000 tokens.", ["c1", "c9"], "no claim c9"),
        ("The window holds 256,000 tokens.", ["c1"], "do not state 256000"),
        ("Retrieval costs 2 cents a question.", ["c1"], "do not state 2"),
        ("Recall does not fall by 12 percent beyond it.", ["c2"], "says no"),
        ("Recall rises by 12 percent beyond it.", ["c2"], "the other way"),
        ("The window holds tokens, see https://x.example.", ["c1"], "address"),
        ("The window holds tokens [1].", ["c1"], "reference number"),
        ("The window holds tokens (S1.1).", ["c1"], "reference number"),
        ("As c1 says, the window holds tokens.", ["c1"], "reference number"),
        ("Bananas grow best in the shadow of volcanoes.", ["c1"], "something else"),
        ("窗口可容纳 128,000 个词元。", ["c1"], "language"),
        (" ", ["c1"], "says nothing"),
    ],
)
async def test_what_its_claims_do_not_hold_is_dropped_aloud(
    brief: Brief, sentence: str, claims: list[str], why: str
) -> None:
    summary, failures = await summarize(SECTIONS, brief, model=saying((sentence, claims)))
    assert summary == ()
    assert why in failures[0].why


async def test_fewer_than_three_claims_are_not_condensed_and_nobody_is_asked(brief: Brief) -> None:
    model = saying()
    assert await summarize(SECTIONS[:1], brief, model=model) == ((), ())
    assert model.asked == []


async def test_a_summary_that_cannot_be_had_leaves_the_report_whole(brief: Brief) -> None:
    def answers(task: str, prompt: Prompt) -> Answer:
        return AnswerUnusable("prose")

    summary, failures = await summarize(SECTIONS, brief, model=ScriptedModel(answers))
    assert summary == ()
    assert failures[0].why == "prose"


async def test_style_and_audience_are_told(brief: Brief) -> None:
    model = saying()
    await summarize(SECTIONS, brief, model=model, manner=Manner("brief", "mayors"))
    asked = model.asked[0][1].user
    assert "at most 3 `sentences`" in asked
    assert "It is written for: mayors" in asked
