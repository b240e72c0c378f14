import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.tokens import Calibration, makeup

ENGLISH = "Long windows replace retrieval only where every cited passage was really read. "
CHINESE = "长上下文窗口能否取代检索增强生成，取决于每一条引文是否真实存在。"
RUSSIAN = "Длинные окна заменяют поиск лишь там, где источники прочитаны целиком. "
TABLE = "1984 2026 31415 92.65 3589 79323 84.62 "


def counted(text: str, *, latin: float, cjk: float, digits: float, other: float = 0.3) -> int:
    """A tokenizer by script, as good as any."""
    parts = makeup([text])
    return round(
        parts.latin * latin + parts.cjk * cjk + parts.digits * digits + parts.other * other
    )


def prompt(text: str, characters: int) -> str:
    return (text * (characters // len(text) + 1))[:characters]


@pytest.mark.parametrize("latin", [0.12, 0.2, 0.25, 0.33, 0.5, 1.0])
@pytest.mark.parametrize("overhead", [0, 7, 30])
def test_one_call_makes_estimates_good_to_a_tenth_whatever_the_tokenizer(
    latin: float, overhead: int
) -> None:
    first = prompt(ENGLISH, 4_000)
    reported = counted(first, latin=latin, cjk=0.7, digits=0.5) + overhead
    known = Calibration().after(makeup([first]), reported)
    later = prompt(ENGLISH * 3 + "Something else is said here too. ", 200_000)
    true = counted(later, latin=latin, cjk=0.7, digits=0.5)
    assert known.tokens(later) == pytest.approx(true, rel=0.1)


@pytest.mark.parametrize("rate", [0.35, 0.55, 0.7, 1.0, 1.5])
def test_chinese_is_learned_for_itself_and_english_keeps_what_it_had(rate: float) -> None:
    first = prompt(CHINESE, 8_000)
    known = Calibration().after(
        makeup([first]), counted(first, latin=0.25, cjk=rate, digits=0.5) + 12
    )
    assert known.tokens(CHINESE * 500) == pytest.approx(rate * len(CHINESE) * 500, rel=0.1)
    assert known.tokens(ENGLISH * 500) == pytest.approx(0.25 * len(ENGLISH) * 500, rel=0.1)


def test_mixed_prompts_tell_scripts_and_digits_apart_after_a_few_calls() -> None:
    rates = {"latin": 0.21, "cjk": 1.1, "digits": 1.0, "other": 0.55}
    known = Calibration()
    for turn in range(8):
        times = (5 + 61 * turn % 190, 5 + 37 * turn % 150, 5 + 89 * turn % 170, 5 + 7 * turn % 60)
        parts = zip((ENGLISH, CHINESE, TABLE, RUSSIAN), times, strict=True)
        mixed = "".join(part * many for part, many in parts)
        known = known.after(makeup([mixed]), counted(mixed, **rates) + 15)
    for part in (ENGLISH, CHINESE, RUSSIAN):
        text = part * 100
        assert known.tokens(text) == pytest.approx(counted(text, **rates), rel=0.1)


def test_the_form_of_the_answer_may_be_counted_or_not() -> None:
    first, form = prompt(ENGLISH, 3_000), "x" * 400
    for extra in (0, 100):
        known = Calibration().after(makeup([first], form), 600 + extra)
        assert known.tokens(ENGLISH * 100) == pytest.approx(0.2 * len(ENGLISH) * 100, rel=0.1)


@pytest.mark.parametrize("nonsense", [-1, 0, 3, 10_000_000])
def test_a_count_that_no_tokenizer_could_make_teaches_nothing(nonsense: int) -> None:
    assert Calibration().after(makeup([ENGLISH * 50]), nonsense) == Calibration()


@given(st.text(max_size=300), st.text(max_size=300))
def test_estimates_grow_with_the_text_and_never_fall_below_nothing(one: str, other: str) -> None:
    known = Calibration().after(makeup([ENGLISH * 50]), 500)
    assert 0 <= known.tokens(one) <= known.tokens(one + other)
    assert sum(makeup([one]).row[:4]) == len(one)
