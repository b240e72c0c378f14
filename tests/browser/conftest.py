"""Opens pages in the Chromium of this machine and notes all that they try.

Screenshots go to ``build/screenshots``. Another browser is named by ``CHROMIUM``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, sync_playwright

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "rendering" / "golden"
SCREENSHOTS = ROOT / "build" / "screenshots"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")  # while it is open no other test could run an event loop
def browser() -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.fail(
            "no Chromium was found: install one (apt-get install chromium), name it in CHROMIUM,"
            " or leave these tests out with -m 'not browser'"
        )
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


@dataclass
class Watched:
    """A page, and what it tried: requests beyond its own file, messages, dialogs."""

    page: Page
    own: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._note_request)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._note_dialog)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith(self.own):
            self.requests.append(request.url)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def look(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    def tried_nothing(self) -> bool:
        return not (self.requests or self.complaints or self.dialogs)


Opening = Callable[..., Watched]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opening]:
    contexts: list[BrowserContext] = []

    def open_file(path: Path, **manner: Any) -> Watched:
        context = browser.new_context(reduced_motion="reduce", **manner)
        contexts.append(context)
        watched = Watched(context.new_page(), path.as_uri())
        watched.page.goto(watched.own)
        return watched

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture
def golden() -> Callable[[str], Path]:
    return lambda name: GOLDEN / name / "report.html"
