"""A real browser on the real programs."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.browser import chromium
from tests.programs import Programs


@pytest.fixture
def site(programs: Programs) -> Programs:
    """Web and one worker."""
    programs.worker()
    programs.web()
    return programs


@pytest.fixture(scope="session")
def executable() -> str:
    path = chromium.find()
    assert path, "no Chromium: run python -m tests.browser.chromium"
    return path


@pytest.fixture
async def browser(executable: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=executable, args=chromium.arguments()
        )
        yield launched
        await launched.close()


class Watched:
    """A page, and everything it should not have done."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((address, "data:"))
                else self.problems.append(f"request to {request.url}")
            ),
        )
        page.on(
            "console",
            lambda message: (
                self.problems.append(message.text)
                if "Content Security Policy" in message.text
                else None
            ),
        )


@pytest.fixture
async def context(browser: Browser, site: Programs) -> AsyncIterator[BrowserContext]:
    opened = await browser.new_context(
        base_url=site.address, viewport={"width": 1280, "height": 900}
    )
    yield opened
    await opened.close()


@pytest.fixture
async def page(context: BrowserContext, site: Programs) -> AsyncIterator[Page]:
    watched = Watched(await context.new_page(), site.address)
    yield watched.page
    assert watched.problems == []
