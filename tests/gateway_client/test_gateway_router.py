"""Which model does which work, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import Config, Endpoint, GatewayClient, Model, NoModel, Policy, wire
from gateway_client.catalog import TIERS, Tier, known_window
from gateway_client.errors import WrongModality
from gateway_client.routing.router import STRONG_FROM, decide, explain, question, threshold, window

EASY = "What is the capital of Portugal?"
HARD = "Prove that there are infinitely many primes congruent to 3 modulo 4."
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}

CONFIG = Config(
    (Endpoint("one", "http://one.example/v1", models=("small", "big-*", "huge")),),
    tiers={"light": ("small",), "deep": ("big-1", "absent", "big-2"), "long": ("huge",)},
    models={
        "small": Model("small", 1_000),
        "big-1": Model("big-1", 2_000),
        "big-2": Model("big-2", 4_000),
        "absent": Model("absent", 9_000_000),
        "huge": Model("huge", 100_000),
    },
)

WIDE = Config((Endpoint("one", "http://one.example/v1"),))
BLIND: dict[Tier, tuple[str, ...]] = {
    "light": ("o3-mini",),
    "deep": ("gpt-3.5-turbo",),
    "long": ("gemini-3-pro",),
}


def asking(words: str, model: object = "auto", **more: object) -> wire.Payload:
    return {"model": model, "messages": [{"role": "user", "content": words}], **more}


def asking_with(*parts: object) -> wire.Payload:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": EASY}, *parts]}]}


def test_a_model_by_name_is_a_pin_whatever_the_task_and_the_length() -> None:
    decision = decide(CONFIG, asking("x" * 10**6, "small"), "write")
    assert (decision.model, decision.tier, decision.reason) == ("small", None, "pinned")


def test_a_pin_that_no_endpoint_serves_is_refused() -> None:
    with pytest.raises(NoModel, match="no endpoint serves absent"):
        decide(CONFIG, asking("x", "absent"))


def test_a_tier_by_name_comes_before_the_task() -> None:
    assert decide(CONFIG, asking("x", "long"), "refine").reason == "tier long"


def test_the_task_decides_and_models_nobody_serves_are_left_out() -> None:
    decision = decide(CONFIG, asking("x"), "write")
    assert decision.models == ("big-1", "big-2")
    assert (decision.tier, decision.reason) == ("deep", "task write")


def test_without_a_task_the_difficulty_of_the_text_decides_and_the_reason_says_so() -> None:
    easy, hard = decide(CONFIG, asking(EASY, None)), decide(CONFIG, asking(HARD))
    assert (easy.tier, hard.tier) == ("light", "deep")
    assert easy.score is not None
    assert hard.score is not None
    assert easy.score < STRONG_FROM <= hard.score
    assert easy.reason == f"untagged, fact: difficulty {easy.score:.2f} < 0.50"
    assert hard.reason == f"untagged, competition: difficulty {hard.score:.2f} >= 0.50"


def test_a_tag_that_no_table_has_but_that_names_a_kind_is_better_than_guessing() -> None:
    words = "Consider the following and reply."
    assert decide(CONFIG, asking(words)).tier == "light"
    tagged = decide(CONFIG, asking(words), "olympiad-math")
    assert (tagged.tier, tagged.reason.split(":")[0]) == (
        "deep",
        "task olympiad-math, competition",
    )


def test_the_threshold_is_the_callers_to_set() -> None:
    assert decide(CONFIG, asking(HARD), strong_from=0.9).tier == "light"
    assert decide(CONFIG, asking(EASY), strong_from=0.01).tier == "deep"


@given(st.text(), st.sampled_from(["refine", "write"]), st.floats(0.05, 0.95))
def test_no_text_overrules_the_table_while_there_is_money(
    text: str, task: str, strong_from: float
) -> None:
    decision = decide(WIDE, asking(text), task, strong_from=strong_from)
    assert decision.tier == {"refine": "light", "write": "deep"}[task]
    assert decision.reason == f"task {task}"


def test_of_tagged_calls_the_easy_ones_yield_first_as_money_runs_short() -> None:
    yields = [
        min(p for p in range(101) if decide(WIDE, asking(words), "write", p / 100).tier == "light")
        for words in (EASY, HARD)
    ]
    assert 80 < yields[0] < yields[1] <= 100
    spent = decide(WIDE, asking(EASY), "write", 1.0)
    assert spent.reason.startswith("task write, but difficulty 0.")
    assert spent.reason.endswith("< 1.00, budget 100% used")


@given(st.text(), st.floats(0, 1), st.floats(0, 1), st.sampled_from(["", "write", "code"]))
def test_a_higher_pressure_never_chooses_a_dearer_tier(
    text: str, one: float, other: float, task: str
) -> None:
    low, high = sorted((one, other))
    assert threshold(STRONG_FROM, low) <= threshold(STRONG_FROM, high) <= 1
    dearer = [decide(WIDE, asking(text), task, p).tier == "deep" for p in (low, high)]
    assert dearer[0] >= dearer[1]


def test_no_pressure_puts_a_prompt_where_it_does_not_fit() -> None:
    pressed = decide(CONFIG, asking("x" * 4 * 5_000), pressure=1.0)
    assert (pressed.model, pressed.tier) == ("huge", "long")
    assert decide(CONFIG, asking("x"), "read", 1.0).tier == "light"
    reading = Config(CONFIG.endpoints, CONFIG.tiers, CONFIG.models, Policy(tasks={"read": "long"}))
    assert decide(reading, asking("x"), "read", 1.0).reason == "task read"


def test_pictures_go_to_a_model_that_can_be_given_them() -> None:
    config = Config((Endpoint("one", "http://one.example/v1"),), BLIND)
    seen = decide(config, asking_with(PICTURE), "refine")
    assert (seen.model, seen.reason) == ("gemini-3-pro", "task refine; pictures need long")
    assert decide(config, asking(EASY), "refine").model == "o3-mini"


def test_pictures_that_nobody_can_see_are_refused_and_the_reason_is_named() -> None:
    config = Config((Endpoint("one", "http://one.example/v1"),), dict.fromkeys(TIERS, ("o3-mini",)))
    with pytest.raises(WrongModality, match="o3-mini cannot be given pictures"):
        decide(config, asking_with(PICTURE))


def test_a_pin_does_not_make_a_model_see_or_chat() -> None:
    config = Config((Endpoint("one", "http://one.example/v1"),))
    with pytest.raises(WrongModality, match="o3-mini cannot be given pictures"):
        decide(config, {**asking_with(PICTURE), "model": "o3-mini"})
    with pytest.raises(WrongModality, match="sora-2 makes video, not text"):
        decide(config, asking("a cat", "sora-2"))
    with pytest.raises(WrongModality, match=r"vendor/gpt-image-1\.5 makes image, not text"):
        decide(config, asking("a cat", "vendor/gpt-image-1.5"))


def test_with_tools_or_a_schema_models_known_to_obey_are_asked_first() -> None:
    tiers = dict.fromkeys(TIERS, ("somebody-else", "o1-mini", "gpt-5-mini"))
    config = Config((Endpoint("one", "http://one.example/v1"),), tiers)
    assert decide(config, asking(EASY)).models == tiers["light"]
    with_tools = decide(config, asking(EASY, tools=[{"type": "function"}]))
    assert with_tools.models == ("gpt-5-mini", "somebody-else")
    with_schema = decide(config, asking(EASY, response_format={"type": "json_schema"}))
    assert with_schema.models == ("o1-mini", "gpt-5-mini", "somebody-else")


def test_tools_are_refused_only_where_they_are_known_to_be_impossible() -> None:
    config = Config((Endpoint("one", "http://one.example/v1"),), dict.fromkeys(TIERS, ("o1-mini",)))
    tools = [{"type": "function"}]
    for model in ("auto", "o1-mini"):
        with pytest.raises(NoModel, match="o1-mini cannot use tools"):
            decide(config, asking(EASY, model, tools=tools))
    assert decide(config, asking(EASY, "somebody-else", tools=tools)).reason == "pinned"


def test_a_short_follow_up_is_judged_with_what_it_follows() -> None:
    said = [
        {"role": "user", "content": HARD},
        {"role": "assistant", "content": "Shall I begin with 3 modulo 4?"},
        {"role": "user", "content": [{"type": "text", "text": "Yes, please."}, PICTURE]},
    ]
    assert question({"messages": said}) == f"{HARD}\nYes, please."
    assert decide(CONFIG, {"messages": said[:2]}).tier == "deep"
    assert question({"messages": ["odd", {"role": "system", "content": "x"}]}) == ""
    assert question({}) == question({"messages": None}) == ""


def test_an_explanation_is_what_would_be_decided() -> None:
    decision = decide(CONFIG, asking(HARD))
    assert explain(CONFIG, HARD) == {
        "score": round(decision.score or 0, 4),
        "tier": "deep",
        "model": "big-1",
        "reason": decision.reason,
    }
    assert explain(CONFIG, HARD, "refine")["model"] == "small"


def test_a_prompt_that_is_too_long_goes_where_it_fits() -> None:
    within_tier = decide(CONFIG, asking("x" * 4 * 3_000), "write")
    assert within_tier.models == ("big-2",)
    beyond = decide(CONFIG, asking("x" * 4 * 5_000), "refine")
    assert (beyond.model, beyond.tier) == ("huge", "long")
    assert beyond.reason == "task refine; 5000 tokens need long"


def test_a_tier_that_nobody_serves_is_left_and_that_is_said() -> None:
    config = Config((Endpoint("one", "http://one.example/v1", models=("gemini-*",)),))
    decision = decide(config, asking("x"), "write")
    assert (decision.model, decision.tier) == ("gemini-3-pro", "long")
    assert decision.reason == "task write; nobody serves deep, so long"


def test_the_room_for_the_reply_counts() -> None:
    assert decide(CONFIG, asking("x", max_tokens=1_500), "write").model == "big-1"
    assert decide(CONFIG, asking("x", max_completion_tokens=3_000), "write").model == "big-2"


def test_if_nothing_fits_the_largest_window_is_named() -> None:
    with pytest.raises(NoModel, match=r"largest window is 100,000 \(huge\)"):
        decide(CONFIG, asking("字" * 200_000))


def test_if_nothing_is_served_that_is_said() -> None:
    nothing = Config((Endpoint("one", "http://one.example/v1", models=("other",)),))
    with pytest.raises(NoModel, match="no endpoint serves a model of any tier"):
        decide(nothing, asking("x"))


def test_the_window_of_a_task_is_that_of_the_roomiest_model_of_its_tier() -> None:
    config = Config(CONFIG.endpoints)
    assert window(config, "refine") == 1_048_576
    assert window(config, "write") == window(config, "never heard of") == 272_000


def test_windows_are_known_by_family_with_or_without_a_vendor() -> None:
    assert known_window("gpt-5.2-pro") == known_window("openai/gpt-5.2-pro") == 272_000
    assert known_window("somebody-else") == 128_000


@given(st.text(), st.text())
def test_a_longer_text_never_has_fewer_tokens(text: str, more: str) -> None:
    assert 0 <= wire.tokens(text) <= wire.tokens(text + more)


def test_chinese_is_counted_by_character_and_latin_by_four() -> None:
    assert wire.tokens("a" * 400) == 100
    assert wire.tokens("字" * 100) == 70
    assert wire.tokens("é" * 40 + "字" * 10) == 17


def test_all_that_the_model_reads_is_counted_and_pictures_are_not() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:" + "x" * 10_000}}
    parts = [{"type": "text", "text": "a" * 40}, picture]
    calls = [{"function": {"name": "f", "arguments": "a" * 400}}]
    payload: wire.Payload = {
        "messages": [{"content": parts}, {"content": None, "tool_calls": calls}, "odd"],
        "tools": [{"name": "t"}],
        "input": "a" * 40,
    }
    assert 120 <= wire.prompt_tokens(payload) <= 150


def test_a_client_says_how_much_fits() -> None:
    assert GatewayClient(CONFIG).window("write") == 4_000
