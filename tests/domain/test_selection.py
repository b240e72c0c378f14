from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.evidence import Hit, Publication
from agent.domain.fusion import Candidate, Found
from agent.domain.question import Brief, SourceKind, SubQuestion
from agent.domain.selection import Reason, choose

TODAY = date(2026, 1, 1)
BRIEF = Brief(
    "Wind power and its price",
    "en",
    (
        SubQuestion("q1", "How loud are wind turbines?"),
        SubQuestion("q2", "What do batteries cost?"),
    ),
    (),
    (),
)


def candidate(
    title: str,
    url: str = "",
    *,
    rank: int = 1,
    kind: SourceKind = "web",
    published: date | None = None,
    retracted: bool = False,
    authors: tuple[str, ...] = (),
) -> Candidate:
    url = url or f"https://{title.lower().replace(' ', '-')}.example/"
    hit = Hit(
        kind, url, title, "", (url,), authors, published, "", Publication(retracted=retracted)
    )
    return Candidate(hit, 1 / (60 + rank), (Found("a", "q", rank),))


def chosen(*candidates: Candidate, pages: int = 24, read: tuple[str, ...] = ()) -> list[str]:
    choices = choose(candidates, BRIEF, pages=pages, today=TODAY, read=read)
    return [choice.candidate.hit.title for choice in choices if choice.chosen]


def reasons(*candidates: Candidate, pages: int = 24, read: tuple[str, ...] = ()) -> dict[str, str]:
    choices = choose(candidates, BRIEF, pages=pages, today=TODAY, read=read)
    return {choice.candidate.hit.url: choice.why for choice in choices}


def test_the_sub_questions_take_turns() -> None:
    found = [candidate(f"Turbines loud {at}", rank=at) for at in range(1, 9)]
    batteries = candidate("Batteries cost", rank=40)
    assert chosen(*found, batteries, pages=2) == ["Turbines loud 1", "Batteries cost"]
    choices = choose([*found, batteries], BRIEF, pages=2, today=TODAY)
    assert [choice.sub_question for choice in choices[:3]] == ["q1", "q2", ""]
    assert [choice.why for choice in choices[:3]] == [
        "best for q1", "best for q2", "passed over: budget of 2 pages used",
    ]  # fmt: skip


def test_no_site_takes_more_than_its_share_and_archives_are_no_site() -> None:
    pages = [candidate(f"Wind {at}", f"https://one.example/{at}", rank=at) for at in range(6)]
    papers = [candidate(f"Wind {at}", f"https://arxiv.org/abs/2401.0000{at}") for at in range(6)]
    why = reasons(*pages, *papers, pages=9)
    refused = "passed over: 2 of one.example already"
    assert [why[page.hit.url] == refused for page in pages].count(True) == 3
    assert not any(why[paper.hit.url].startswith("passed") for paper in papers)


def test_where_others_have_nothing_to_offer_one_site_is_better_than_none() -> None:
    pages = [candidate(f"Wind {at}", f"https://one.example/{at}", rank=at) for at in range(6)]
    assert len(chosen(*pages, pages=5)) == 5


def test_a_work_that_was_read_is_not_read_again() -> None:
    old, new = candidate("Wind old"), candidate("Wind new")
    assert chosen(old, new, read=("https://wind-old.example",)) == ["Wind new"]
    assert reasons(old, read=("https://wind-old.example",)) == {
        old.hit.url: "passed over: read already"
    }


def test_a_copy_under_the_same_title_is_passed_over() -> None:
    title = "Quiet turbines surprise the northern harbour towns"
    first = candidate(f"{title} - Northern Post", "https://a.example/1")
    copy = candidate(f"{title} | The Herald", "https://b.example/2")
    why = reasons(first, copy)
    assert why[copy.hit.url] == "passed over: same work as https://a.example/1"
    by_others = candidate(title, "https://c.example/3", authors=("Cy Holm",))
    by_lund = candidate(title, "https://d.example/4", authors=("Ada Lund",))
    assert len(chosen(by_others, by_lund)) == 2
    assert len(chosen(by_lund, candidate(title, "https://d.example/5", authors=("A. Lund",)))) == 1


def test_what_was_retracted_comes_last_and_says_so() -> None:
    bad = candidate("How loud are wind turbines", retracted=True, kind="scholar")
    poor = candidate("Cheese", rank=90)
    assert chosen(bad, poor) == ["Cheese", "How loud are wind turbines"]
    assert reasons(bad)[bad.hit.url] == "for q1, though retracted"
    assert chosen(bad, poor, pages=1) == ["Cheese"]


def test_words_count_before_rank_and_a_date_decides_between_equals() -> None:
    assert chosen(candidate("Cheese"), candidate("Loud turbines", rank=9))[0] == "Loud turbines"
    old = candidate("Loud turbines a", published=date(2001, 1, 1))
    new = candidate("Loud turbines b", published=date(2025, 9, 1))
    assert chosen(old, new)[0] == "Loud turbines b"


def test_a_candidate_in_another_language_is_chosen_by_rank_and_says_so() -> None:
    why = reasons(candidate("风力发电的噪声", "https://z.example/"))
    assert why == {"https://z.example/": Reason.BY_RANK.format("q1")}


def test_without_sub_questions_the_question_itself_is_asked() -> None:
    brief = Brief("Wind power and its price", "en", (), (), ())
    (choice,) = choose([candidate("Wind")], brief, pages=1, today=TODAY)
    assert choice.why == "best for the question"


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.sampled_from(["Loud wind", "Battery", "Cheese", "A title that many sites have copied"]),
        st.integers(0, 8).map(lambda at: f"https://s{at % 3}.example/{at}"),
        rank=st.integers(1, 60),
        retracted=st.booleans(),
    ),
    max_size=12,
)


@given(CANDIDATES, st.integers(0, 6))
def test_each_candidate_gets_one_choice_and_the_budget_holds(
    found: list[Candidate], pages: int
) -> None:
    choices = choose(found, BRIEF, pages=pages, today=TODAY)
    assert sorted(map(repr, found)) == sorted(repr(choice.candidate) for choice in choices)
    taken = [choice for choice in choices if choice.chosen]
    assert len(taken) <= pages
    assert list(choices[: len(taken)]) == taken
    if len(taken) < pages:
        assert all(choice.chosen or choice.reason is not Reason.BUDGET for choice in choices)
    assert all(choice.chosen is bool(choice.sub_question) for choice in choices)
