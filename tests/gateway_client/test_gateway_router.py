"""Which model does which work, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import Config, Endpoint, GatewayClient, Model, NoModel, wire
from gateway_client.catalog import known_window
from gateway_client.router import SHORT_PROMPT_TOKENS, decide, window

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


def asking(words: str, model: object = "auto", **more: object) -> wire.Payload:
    return {"model": model, "messages": [{"role": "user", "content": words}], **more}


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


def test_without_a_task_short_prompts_are_light_and_others_deep() -> None:
    assert decide(CONFIG, asking("x", None)).tier == "light"
    long = "word " * SHORT_PROMPT_TOKENS
    assert decide(CONFIG, asking(long)).reason == "default"


def test_a_prompt_that_is_too_long_goes_where_it_fits() -> None:
    within_tier = decide(CONFIG, asking("x" * 4 * 3_000), "write")
    assert within_tier.models == ("big-2",)
    beyond = decide(CONFIG, asking("x" * 4 * 5_000), "refine")
    assert (beyond.model, beyond.tier) == ("huge", "long")
    assert beyond.reason == "task refine; 5000 tokens need long"


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
