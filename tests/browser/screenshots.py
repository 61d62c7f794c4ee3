"""Makes docs/screenshots/ from the running program: `make screenshots`."""

import asyncio
import random
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, Page, async_playwright

from processing.paths import ROOT
from tests.browser import chromium
from tests.conftest import Servers, settings_on
from tests.programs import Programs

TARGET = ROOT / "docs" / "screenshots"
Scheme = Literal["light", "dark"]
VIEWS: list[tuple[str, Scheme, int, int]] = [
    ("light", "light", 1280, 860),
    ("dark", "dark", 1280, 860),
    ("phone", "light", 390, 844),
]
TABS = ("overview", "columns", "sample", "problems", "timeline")


def _file(name: str, text: str) -> Any:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def _harbour() -> str:
    """A table with something to see in every column."""
    draw = random.Random(7)
    ships = ["Fram", "Gjøa", "Maud", "Christian Radich", "Sørlandet", "Kong Olav"]
    lines = ["call,ship,berth,arrived,cargo_t,crew,customs_code,delayed"]
    for number in range(1, 4801):
        cargo = "" if number % 37 == 0 else f"{draw.gammavariate(3, 140):.2f}"
        lines.append(
            f"{number},{draw.choice(ships)},{draw.choice('ABCD')}{draw.randint(1, 9)},"
            f"2025-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d},{cargo},"
            f"{round(draw.gauss(24, 5))},{draw.randint(0, 99999):05d},"
            f"{draw.choice(['true', 'false'])}"
        )
    lines.insert(2400, '4801,Fram,A1,2025-06-01,"140" t,24,00123,false')
    lines.insert(3300, "4802,Maud,B2,2025-06-02")
    return "\n".join(lines) + "\n"


async def _fill(page: Page) -> None:
    async def send(handler: str, *files: Any) -> None:
        await page.select_option("#handler", handler)
        before = await page.locator("tbody tr").count()
        await page.set_input_files("#file", list(files))
        await page.click("#upload-submit")
        await page.wait_for_selector(f"tbody tr:nth-child({before + len(files)})")

    await send("profile", _file("harbour-calls-2025.csv", _harbour()))
    await send("profile", _file("scan.csv", "PK\x03\x04 not a table"))
    await send("profile", _file("inventory.csv", "item,price\nbolt,0.15\nnut,0.05\n"))
    await page.wait_for_selector("tr:has-text('inventory') .status-ok")
    await page.select_option("#handler", "emulate")
    await page.fill('[name="option.seconds"]', "40")
    await send("emulate", _file("night-shift-telemetry.csv", "a,b\n1,2\n"))
    await page.wait_for_selector("tbody progress[value]")


async def _shoot(browser: Browser, address: str) -> None:
    first = True
    for name, scheme, width, height in VIEWS:
        context = await browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
        )
        page = await context.new_page()
        await page.goto("/")
        if first:
            await page.wait_for_selector(".empty")
            await page.screenshot(path=TARGET / "empty.png")
            await _fill(page)
            first = False
        await page.wait_for_selector("tbody tr")
        await page.wait_for_selector("text=uploaded – queued as", state="detached")
        await page.screenshot(path=TARGET / f"{name}.png", full_page=name == "phone")
        await page.get_by_role("link", name="harbour-calls-2025.csv", exact=True).click()
        await page.wait_for_selector("dialog[open] .detail")
        for tab in TABS:
            await page.get_by_role("tab", name=tab.capitalize()).click()
            await page.screenshot(path=TARGET / f"{name}-{tab}.png")
        await page.goto("/")
        await page.get_by_text("Reading options").click()
        await page.locator("#upload").screenshot(path=TARGET / f"{name}-options.png")
        await context.close()


async def _main(address: str) -> None:
    path = chromium.find()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        await _shoot(browser, address)
        await browser.close()


def main() -> int:
    """Start everything, take the pictures, stop everything."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        servers = Servers(Path(folder) / "servers")
        servers.start()
        settings = settings_on(servers, Path(folder))
        programs = Programs(settings, Path(folder))
        try:
            programs.worker()
            programs.web()
            asyncio.run(_main(programs.address))
        finally:
            programs.stop()
            servers.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
