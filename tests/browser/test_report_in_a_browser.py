"""The page as readers meet it: looked at, hovered, tapped, typed through and printed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

QUOTE = "a reduction of the flow temperature by 1 K"
THIRD = "#quote-3"
"""The card of the first source of the third claim."""

OPEN_ALL = """() => {
    for (const it of document.querySelectorAll("details")) it.open = true;
    document.querySelector(".mark")?.focus();
}"""

Golden = Callable[[str], Path]


@pytest.mark.parametrize("name", ["english", "chinese", "empty"])
def test_a_page_is_accessible_and_asks_for_nothing(opened: Any, golden: Golden, name: str) -> None:
    seen = opened(golden(name), viewport={"width": 1366, "height": 900})
    for scheme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=scheme)
        seen.look(f"{name}-{scheme}")
    seen.page.evaluate(OPEN_ALL)
    for scheme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=scheme)
        assert _barriers(seen.page) == [], scheme
    assert seen.tried_nothing(), seen


@pytest.mark.parametrize("script", [True, False])
def test_a_quote_is_shown_on_hover_and_on_keyboard_focus(
    opened: Any, golden: Golden, *, script: bool
) -> None:
    page = opened(golden("english"), java_script_enabled=script).page
    card = page.locator(THIRD)
    expect(card).to_be_hidden()
    page.locator(f'a[href="{THIRD}"]').hover()
    expect(card).to_be_visible()
    expect(card).to_contain_text(QUOTE)
    expect(card).to_contain_text("published 2024-03-07")
    expect(card).to_contain_text("held by 2 independent sources")
    expect(card).to_contain_text("Thin support (0.45 of 1) · checked by rules, settled by a model")
    page.mouse.move(0, 0)
    expect(card).to_be_hidden()
    page.locator('a[href="#quote-2"]').focus()
    while page.locator(f'a[href="{THIRD}"]:focus').count() == 0:
        page.keyboard.press("Tab")
    expect(card).to_be_visible()
    expect(page.locator("#quote-2")).to_be_hidden()


def test_the_links_of_a_card_are_reached_by_keyboard_and_escape_closes_it(
    opened: Any, golden: Golden
) -> None:
    page = opened(golden("english")).page
    page.locator(f'a[href="{THIRD}"]').focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.href").startswith("https://arxiv.org/abs/")
    expect(page.locator(THIRD)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(THIRD)).to_be_hidden()


@pytest.mark.parametrize("script", [True, False])
def test_a_tap_opens_a_quote_and_a_tap_closes_it(
    opened: Any, golden: Golden, *, script: bool
) -> None:
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    page = opened(golden("english"), java_script_enabled=script, **phone).page
    page.locator(f'a[href="{THIRD}"]').tap()
    expect(page.locator(THIRD)).to_be_visible()
    expect(page.locator(THIRD)).to_be_in_viewport(ratio=0.9)
    page.locator(f"{THIRD} .close").tap()
    expect(page.locator(THIRD)).to_be_hidden()


def test_a_card_at_the_foot_of_the_window_opens_upwards(opened: Any, golden: Golden) -> None:
    page = opened(golden("english"), viewport={"width": 1000, "height": 700}).page
    mark = page.locator(f'a[href="{THIRD}"]')
    mark.evaluate(
        "it => scrollTo(0, it.getBoundingClientRect().bottom + scrollY - innerHeight + 30)"
    )
    mark.hover()
    expect(page.locator(THIRD)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [390, 1366])
def test_the_contents_lead_to_every_section(opened: Any, golden: Golden, width: int) -> None:
    page = opened(golden("english"), viewport={"width": width, "height": 800}).page
    for link in page.locator("nav a").all():
        link.click()
        expect(page.locator(str(link.get_attribute("href")))).to_be_in_viewport()


@pytest.mark.parametrize("name", ["english", "chinese", "empty"])
def test_a_narrow_phone_needs_no_sideways_scrolling(opened: Any, golden: Golden, name: str) -> None:
    seen = opened(golden(name), viewport={"width": 360, "height": 740})
    seen.look(f"{name}-phone")
    seen.page.evaluate(OPEN_ALL)
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 360


def test_paper_has_no_cards_and_no_contents_but_references(opened: Any, golden: Golden) -> None:
    seen = opened(golden("english"), viewport={"width": 794, "height": 1123})
    seen.page.emulate_media(media="print")
    seen.look("english-print")
    seen.page.locator(".cite").first.hover()
    assert seen.page.locator(".card:visible, nav:visible, .mark:visible").count() == 0
    assert seen.page.locator(".printed:visible").count() == seen.page.locator(".cite").count()
    expect(seen.page.locator(".references blockquote").first).to_be_visible()
    expect(seen.page.locator(".dropped li").first).to_be_visible()


def test_the_back_link_of_a_reference_returns_to_the_sentence(opened: Any, golden: Golden) -> None:
    page = opened(golden("english")).page
    page.locator('#ref-3 a[href^="#mark-"]').first.click()
    expect(page.locator("#claim-3")).to_be_in_viewport()


def _barriers(page: Any) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{it['id']}: {it['nodes'][0]['html']}"
        for it in found
        if it["impact"] in {"serious", "critical"}
    ]
