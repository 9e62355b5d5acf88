"""A real browser before the try-out: the machine's own Chromium, without a window."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, ViewportSize, async_playwright

from bot.demo import Demo, DemoSettings
from tests.installation import free_port

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage"]  # a container has neither
WIDE = ViewportSize(width=1500, height=950)
PATIENCE_MS = 20_000


def find_chromium() -> str | None:
    """Where this machine's Chromium is."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """A wide window of its own, in Dutch; whatever a page complains about fails the test."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("NO BROWSER: this machine has no Chromium, so the try-out's pages were not tested in one.")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = await launched.new_context(locale="nl-NL", viewport=WIDE, timezone_id="Europe/Amsterdam")
        context.set_default_timeout(PATIENCE_MS)
        complaints: list[str] = []
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        yield context
        await launched.close()
        assert complaints == []


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """The try-out without a past."""
    demo = Demo(DemoSettings(port=free_port(), empty=True))
    await demo.start(progress=lambda _: None)
    yield demo
    await demo.stop()
