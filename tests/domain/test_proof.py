from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.evidence import Evidence, Source
from agent.domain.passages import passages
from agent.domain.proof import Proof, Unproved, prove
from agent.domain.report import DraftClaim, Quotation

TEXTS = {
    "S1": "The window holds 128,000 tokens. Its price fell by 40 percent in May 2024. It is fast.",
    "S2": "检索增强生成的延迟为1.2秒。长上下文的延迟为八秒。",
}


def evidence() -> tuple[Evidence, dict[str, str]]:
    by_digest = {sha256(text.encode()).hexdigest(): text for text in TEXTS.values()}
    sources = tuple(
        Source(id_, "web", f"https://{id_}.example", id_, digest, datetime.now(UTC), passages(text))
        for (id_, text), digest in zip(TEXTS.items(), by_digest, strict=True)
    )
    return Evidence(sources=sources), by_digest


def proof_of(sentence: str, *quotations: tuple[str, str]) -> object:
    claim = DraftClaim(sentence, tuple(Quotation(*quotation) for quotation in quotations))
    return prove(claim, *evidence())


@given(st.data())
def test_what_is_proved_stands_in_the_stored_text_character_for_character(
    data: st.DataObject,
) -> None:
    id_, text = data.draw(st.sampled_from(list(TEXTS.items())))
    start = data.draw(st.integers(0, len(text)))
    quote = text[start : data.draw(st.integers(start, len(text)))]
    proof = proof_of(quote, (f"{id_}.1", quote))
    if isinstance(proof, Proof):
        for citation in proof.citations:
            assert citation.quote == TEXTS[citation.source][citation.start : citation.end] != ""


@given(st.text(max_size=12), st.text(max_size=30))
def test_an_id_that_does_not_exist_never_holds_a_claim(id_: str, quote: str) -> None:
    if id_.strip() not in {"S1.1", "S2.1"}:
        assert isinstance(proof_of("A sentence.", (id_, quote)), Unproved)


@pytest.mark.parametrize(
    ("sentence", "quotations", "reason"),
    [
        ("It holds much.", [], "no passage is cited"),
        ("It holds much.", [("S9.1", "holds 128,000 tokens")], "'S9.1' does not exist"),
        ("It holds much.", [("S1.2", "holds 128,000 tokens")], "'S1.2' does not exist"),
        ("It holds much.", [("S1.1", "holds a million tokens")], "does not stand in S1.1"),
        ("It holds much.", [("S1.1", "")], "does not stand in S1.1"),
        ("It holds 130,000.", [("S1.1", "holds 128,000 tokens")], "do not state 130000"),
        ("See https://x.example.", [("S1.1", "holds 128,000 tokens")], "an address"),
        ("It holds much [1].", [("S1.1", "holds 128,000 tokens")], "reference number"),
        ("It holds (S1.1) much.", [("S1.1", "holds 128,000 tokens")], "reference number"),
        (
            "It holds much.",
            [("S1.1", "The window holds 128,000 tokens"), ("S2.1", "not a word of this")],
            "does not stand in S2.1",
        ),
    ],
)
def test_a_claim_that_does_not_hold_says_why(
    sentence: str, quotations: list[tuple[str, str]], reason: str
) -> None:
    proof = proof_of(sentence, *quotations)
    assert isinstance(proof, Unproved)
    assert reason in proof.reason


def test_a_quote_is_widened_to_its_sentence_when_the_number_stands_beside_it() -> None:
    proof = proof_of("The price fell by 40 % in May 2024.", ("S1.1", "Its price fell by"))
    assert isinstance(proof, Proof)
    assert [c.quote for c in proof.citations] == ["Its price fell by 40 percent in May 2024."]


def test_a_claim_in_one_language_may_rest_on_a_quote_in_another() -> None:
    proof = proof_of("Long context takes 8 seconds.", ("S2.1", "长上下文的延迟为八秒"))
    assert isinstance(proof, Proof)
    assert proof.doubt == "its evidence is in another language"


def test_a_quote_said_twice_is_one_citation() -> None:
    proof = proof_of("It holds tokens.", *[("S1.1", "The window holds 128,000 tokens")] * 2)
    assert isinstance(proof, Proof)
    assert len(proof.citations) == 1


@pytest.mark.parametrize("sentence", ["The window is slow.", "It is not fast.", "Long is the day."])
def test_a_true_quote_does_not_hold_what_it_does_not_say(sentence: str) -> None:
    proof = proof_of(sentence, ("S1.1", "Its price fell by 40 percent in May 2024"))
    assert isinstance(proof, Unproved)


def test_words_quoted_out_of_their_sentence_are_weighed_within_it() -> None:
    text = "No study has shown that the window replaces retrieval in practice."
    source = Source("S1", "web", "u", "t", "d", datetime.now(UTC), passages(text))
    quote = Quotation("S1.1", "the window replaces retrieval in practice")
    claim = DraftClaim("The window replaces retrieval in practice.", (quote,))
    proof = prove(claim, Evidence(sources=(source,)), {"d": text})
    assert isinstance(proof, Unproved)
    assert "says no" in proof.reason


def test_a_name_may_stand_elsewhere_in_the_passage_or_in_the_title() -> None:
    text = "Gemini has a new window. It holds 128,000 tokens."
    source = Source("S1", "web", "u", "Notes of Ada Quill", "d", datetime.now(UTC), passages(text))
    quote = Quotation("S1.1", "It holds 128,000 tokens")
    for sentence in ("Gemini holds 128,000 tokens.", "Ada Quill notes it holds 128,000 tokens."):
        proof = prove(DraftClaim(sentence, (quote,)), Evidence(sources=(source,)), {"d": text})
        assert isinstance(proof, Proof), sentence
    other = DraftClaim("The model Claude holds 128,000 tokens.", (quote,))
    assert isinstance(prove(other, Evidence(sources=(source,)), {"d": text}), Unproved)
