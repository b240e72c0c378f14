import random
import time

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.duplicates import Described, independent_works, joined, work_keys
from agent.domain.evidence import Publication

CHANCE = random.Random(7)  # noqa: S311 - the same texts in every run
WORDS = [
    "".join(CHANCE.choices("abcdefghiklmnoprstuvw", k=CHANCE.randint(2, 9))) for _ in range(3000)
]
WEIGHTS = [1 / (rank + 3) for rank in range(3000)]


def prose(words: int) -> str:
    """Return sentences of about sixteen words that nobody wrote."""
    return " ".join(
        " ".join(CHANCE.choices(WORDS, WEIGHTS, k=16)).capitalize() + "."
        for _ in range(words // 16)
    )


def paragraphs(count: int) -> list[str]:
    return [prose(80) for _ in range(count)]


def as_pdf(text: str) -> str:
    """Break lines within words as a typesetter does, and number the pages."""
    lines: list[str] = []
    for start in range(0, len(text), 70):
        line = text[start : start + 70]
        broken = line[-1].isalpha() and text[start + 70 : start + 71].isalpha()
        lines.append(line + "-" if broken else line)
    return "\n".join(line + ("\n17\n" if at % 50 == 49 else "") for at, line in enumerate(lines))


def groups(texts: list[Described]) -> int:
    return len(set(independent_works(texts)))


def test_five_editions_of_a_paper_are_one_work() -> None:
    abstract, body = prose(160), "\n".join(paragraphs(40))
    title, authors = "Harbour cranes learn to balance their loads", ("Ada Lund", "Bo Berg")
    arxiv, journal = Publication(arxiv_id="2401.01234"), Publication(doi="10.1000/cranes.7")
    whole = f"{abstract}\n{body}"
    editions = [
        Described("https://arxiv.org/abs/2401.01234", abstract, arxiv, title, authors),
        Described("https://arxiv.org/html/2401.01234v2", whole),
        Described("https://lund.example/cranes.pdf", as_pdf(whole)),
        Described(
            "https://journal.example/7", whole.replace("a", "á", 40), journal, title, authors
        ),
        Described("https://mirror.example/p?id=9", f"Mirror of papers\n{whole}"),
    ]
    assert independent_works(editions) == (0,) * 5


def test_a_preprint_and_its_journal_version_are_one_by_title_and_an_author() -> None:
    title = "Harbour cranes learn to balance their loads"
    arxiv, journal = Publication(arxiv_id="2401.01234"), Publication(doi="10.1000/cranes.7")
    preprint = Described("https://a.example/1", prose(90), arxiv, title, ("Ada Lund",))
    printed = Described("https://b.example/2", prose(90), journal, title.upper(), ("A. Lund", "X"))
    strangers = Described("https://c.example/3", prose(90), journal, title, ("Cy Holm",))
    assert independent_works([preprint, printed]) == (0, 0)
    assert groups([preprint, Described(strangers.url, strangers.text, Publication(doi="10.1/z"),
                                       title, ("Cy Holm",))]) == 2  # fmt: skip


def test_press_copies_with_other_headlines_and_cut_ends_are_one_source() -> None:
    story = paragraphs(8)
    copies = [
        Described(f"https://paper{at}.example/x", "\n".join([prose(16), *story[: 8 - at]]))
        for at in range(4)
    ]
    assert independent_works(copies) == (0,) * 4


def test_articles_on_one_topic_that_quote_one_statement_are_as_many_sources() -> None:
    statement, topic = prose(48), prose(32)
    articles = [
        Described(
            f"https://p{at}.example/", "\n".join([*paragraphs(3), topic, statement, prose(60)])
        )
        for at in range(30)
    ]
    assert groups(articles) == 30


def test_pages_of_one_site_are_not_one_for_what_the_site_puts_on_each() -> None:
    menu = prose(400)
    pages = [
        Described(f"https://one.example/{at}", f"{menu}\n{prose(240)}\n{menu[:900]}")
        for at in range(10)
    ]
    assert groups(pages) == 10
    assert groups(pages[:2]) == 2
    assert groups([*pages, Described("https://one.example/print/3", pages[3].text)]) == 10


def test_two_posts_that_quote_an_abstract_in_full_are_three_works() -> None:
    abstract = prose(160)
    posts = [Described(f"https://blog{at}.example/", prose(500) + abstract) for at in range(2)]
    assert groups([*posts, Described("https://journal.example/", abstract)]) == 3


def test_chinese_copies_are_one_and_chinese_articles_are_not() -> None:
    def article(length: int) -> str:
        return "".join(
            chr(0x4E00 + min(2500, int(CHANCE.paretovariate(0.6)))) for _ in range(length)
        )

    story = article(900)
    copies = [f"{article(12)}\n{story}", f"{article(15)}：{story[:700]}。"]
    others = [article(800) + story[:40] for _ in range(5)]
    texts = [Described(f"https://z{at}.example/", text) for at, text in enumerate(copies + others)]
    assert groups(texts) == 6


def test_the_same_page_is_one_work_and_a_front_page_given_as_address_says_nothing() -> None:
    one = Described("https://a.example/x?utm_source=feed", prose(90))
    assert groups([one, Described("http://www.a.example/x/", prose(90))]) == 1
    front = "https://www.b.example/"
    own = [Described(f"https://b.example/{at}", prose(90), canonical_url=front) for at in range(3)]
    assert groups(own) == 3
    copy = Described("https://c.example/1", prose(90), canonical_url="https://b.example/1")
    assert groups([*own, copy]) == 3


def test_texts_without_words_are_no_copies_of_each_other() -> None:
    assert groups([Described("https://a.example/", ""), Described("https://b.example/", " …")]) == 2
    same = [Described(f"https://{at}.example/", "Page not found.") for at in "ab"]
    assert groups(same) == 1


def test_a_work_is_known_by_each_of_its_names() -> None:
    known = Publication(doi="10.1000/X", arxiv_id="2401.01234v2", pmid="12")
    assert work_keys(["https://arxiv.org/pdf/2401.01234", ""], known) == (
        "https://arxiv.org/abs/2401.01234",
        "https://doi.org/10.1000/x",
        "https://pubmed.ncbi.nlm.nih.gov/12",
    )


@given(st.lists(st.sets(st.integers(0, 12), max_size=3), max_size=12))
def test_members_are_joined_if_and_only_if_a_chain_of_names_joins_them(
    names: list[set[int]],
) -> None:
    found = joined([sorted(own) for own in names])
    for at, first in enumerate(found):
        assert first <= at
        assert found[first] == first
        reached = {at}
        while more := {
            other for other in range(len(names)) if other not in reached
            and any(names[other] & names[one] for one in reached)
        }:  # fmt: skip
            reached |= more
        assert {other for other, its in enumerate(found) if its == first} == reached


@given(st.permutations(range(8)))
def test_the_order_of_texts_makes_no_difference(order: list[int]) -> None:
    mixed = [TEXTS[at] for at in order]
    found = independent_works(mixed)
    together = {frozenset(order[at] for at in range(8) if found[at] == first) for first in found}
    plain = independent_works(TEXTS)
    assert together == {frozenset(at for at in range(8) if plain[at] == it) for it in plain}


STORY = paragraphs(6)
TEXTS = [
    Described(
        f"https://o{at}.example/", "\n".join([*STORY[at % 3 : 6 - at % 2], prose(16 * at + 16)])
    )
    for at in range(8)
]


def test_three_hundred_long_texts_are_told_apart_at_once() -> None:
    texts = [Described(f"https://l{at}.example/", prose(9_000)) for at in range(30)] * 10
    began = time.perf_counter()
    assert groups(texts) == 30
    assert time.perf_counter() - began < 5  # under 1 s on an idle core
