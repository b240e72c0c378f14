import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.support import HARD, SUPPORTED_FROM, Reason, judge
from agent.domain.support.reasons import SENTENCES

FACTS = (
    "The Harrow Bridge was opened in 1931 by Queen Ilsa and is 420 metres long.",
    "Researchers at Maren University found that the drug reduced mortality by 12 % in older men.",
    "Tovik bought the northern mines from Orlo in 1884 after the war had ended.",
    "The Alder model is faster than the Birch model and needs 30 watts of power.",
    "Exports of steel to Norland increased in 2019 because the tariff was lifted.",
)
BROKEN = {
    "number": (
        FACTS[0].replace("420", "480"), FACTS[1].replace("12", "21"),
        FACTS[2].replace("1884", "1894"),
        FACTS[3].replace("30", "90"), FACTS[4].replace("2019", "2016"),
    ),
    "entity": (
        FACTS[0].replace("Queen Ilsa", "Count Bero"), FACTS[1].replace("Maren", "Sandvik"),
        FACTS[2].replace("Tovik", "Harrow"), FACTS[3].replace("Alder", "Willow"),
        FACTS[4].replace("Norland", "Sudland"),
    ),
    "negation": (
        FACTS[0].replace("was", "was not"), FACTS[1].replace("drug reduced", "drug did not reduce"),
        FACTS[2].replace("bought", "never bought"), FACTS[3].replace("is", "isn't"),
        FACTS[4].replace("was lifted", "was not lifted"),
    ),
    "antonym": (
        FACTS[0].replace("opened", "closed"), FACTS[1].replace("reduced", "increased"),
        FACTS[2].replace("northern", "southern"), FACTS[3].replace("faster", "slower"),
        FACTS[4].replace("increased", "decreased"),
    ),
    "swap": (
        "The Queen Ilsa was opened in 1931 by Harrow Bridge and is 420 metres long.",
        "Researchers at Maren University say that mortality reduced the drug by 12 % in older men.",
        "Orlo bought the northern mines from Tovik in 1884 after the war had ended.",
        "The Birch model is faster than the Alder model and needs 30 watts of power.",
        "Exports of Norland to steel increased in 2019 because the tariff was lifted.",
    ),
}  # fmt: skip
CHINESE = "据海河大学2021年的研究，该药物降低了老年患者12%的死亡率。"
fact = st.sampled_from(FACTS)


@given(fact, st.lists(fact, max_size=4))
def test_an_exact_copy_is_supported_whatever_else_the_evidence_says(
    claim: str, others: list[str]
) -> None:
    assert judge(claim, [*others, claim]).verdict == "supported"


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("at", range(len(FACTS)))
def test_a_broken_claim_ranks_below_its_original_and_is_never_called_supported(
    kind: str, at: int
) -> None:
    whole, broken = judge(FACTS[at], FACTS), judge(BROKEN[kind][at], FACTS)
    assert broken.score < whole.score
    assert broken.verdict != "supported" or kind in {"antonym", "swap"}


@pytest.mark.parametrize(
    "broken",
    [
        CHINESE.replace("12%", "21%"), CHINESE.replace("降低", "提高"),
        CHINESE.replace("2021", "2019"),
        CHINESE.replace("降低了", "没有降低"), CHINESE.replace("海河大学", "云山大学"),
    ],
)  # fmt: skip
def test_a_broken_claim_in_chinese_ranks_below_its_original(broken: str) -> None:
    assert judge(broken, CHINESE).score < judge(CHINESE, CHINESE).score


@given(fact, fact)
def test_a_claim_from_elsewhere_ranks_below_the_evidence_itself(claim: str, evidence: str) -> None:
    assert claim == evidence or judge(claim, evidence).score < judge(evidence, evidence).score


@given(st.text(max_size=80), st.text(max_size=120))
def test_any_text_is_judged_between_nothing_and_one(claim: str, evidence: str) -> None:
    judgement = judge(claim, evidence)
    assert 0 <= judgement.score <= 1
    assert all(reason.kind in SENTENCES and str(reason) for reason in judgement.reasons)
    if judgement.verdict == "supported":
        assert judgement.score >= SUPPORTED_FROM
        assert not any(reason.kind in HARD for reason in judgement.reasons)


@pytest.mark.parametrize(("claim", "evidence"), [("", "Words."), ("Words.", ""), ("?!", "…")])
def test_without_words_nothing_is_supported(claim: str, evidence: str) -> None:
    judgement = judge(claim, evidence)
    assert (judgement.score, judgement.verdict) == (0.0, "unsupported")
    assert judgement.reasons == (Reason("nothing_to_compare"),)


def test_a_claim_in_a_script_of_its_own_is_judged_by_its_words() -> None:
    said = "Мост был открыт в 1931 году королевой."
    assert judge(said, said).score > judge("Музей закрыт с 1950 года.", said).score


def test_the_reasons_name_the_words_concerned() -> None:
    reasons = judge(BROKEN["number"][0], FACTS).reasons
    assert Reason("missing_number", "480") in reasons
    assert str(Reason("missing_number", "480")) == "the evidence does not state the number 480"
