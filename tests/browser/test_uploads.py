"""Uploads by tus-js-client in a real browser: broken lines, reloads, pauses."""

import hashlib
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.cutter import Cutter
from tests.browser.test_page import live
from tests.conftest import eventually
from tests.programs import Programs

ROW = b"%09d,some words that make the line a little longer,42.50\n"


def large(path: Path, megabytes: int) -> str:
    """Write a CSV file of about so many megabytes; return its SHA-256."""
    count = megabytes * 1_000_000 // len(ROW % 0)
    path.write_bytes(b"id,words,price\n" + b"".join(ROW % number for number in range(count)))
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def arrived(site: Programs) -> int:
    folder = site.settings.media_root / "resumable"
    return max((path.stat().st_size for path in folder.glob("?" * 32)), default=0)


async def first_file(site: Programs) -> dict[str, object]:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{site.address}/api/v1/files")
    (file,) = answer.json()["files"]
    found: dict[str, object] = file
    return found


async def test_an_upload_that_is_cut_fifty_times_arrives_intact(
    context: BrowserContext, site: Programs, tmp_path: Path
) -> None:
    path = tmp_path / "cut.csv"
    digest = large(path, 40)
    settings = site.settings
    async with Cutter(settings.host, settings.port, cuts=50, most_bytes=1_000_000, seed=7) as line:
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{line.port}/")
        await page.set_input_files("#file", str(path))
        await page.click("#upload-submit")
        row = page.locator("tr", has_text="cut.csv")
        await expect(row.locator(".status")).to_have_text("Ok", timeout=180_000)
        assert line.cuts_left == 0
    file = await first_file(site)
    assert (file["size"], file["sha256"]) == (path.stat().st_size, digest)
    assert not list((settings.media_root / "resumable").iterdir())


async def slow_down(page: Page, bytes_per_second: int) -> None:
    session = await page.context.new_cdp_session(page)
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        },
    )


async def test_pausing_resuming_and_cancelling(page: Page, site: Programs, tmp_path: Path) -> None:
    path = tmp_path / "slow.csv"
    digest = large(path, 6)
    await live(page)
    await slow_down(page, 1_500_000)
    await page.set_input_files("#file", str(path))
    await page.click("#upload-submit")
    row = page.locator("#sendings li")
    await expect(row.locator("small")).to_contain_text("/s · about", timeout=30_000)
    await row.get_by_role("button", name="Pause").click()
    await expect(row.locator("small")).to_have_text("Paused")
    half = await arrived(site)
    assert 0 < half < path.stat().st_size
    await row.get_by_role("button", name="Resume upload of slow.csv").click()
    file_row = page.locator("tr", has_text="slow.csv")
    await expect(file_row.locator(".status")).to_have_text("Ok", timeout=60_000)
    assert (await first_file(site))["sha256"] == digest

    await page.set_input_files(
        "#file", {"name": "never.csv", "mimeType": "text/csv", "buffer": path.read_bytes()}
    )
    await page.click("#upload-submit")
    await expect(row.locator("small")).to_contain_text("of", timeout=30_000)
    await row.get_by_role("button", name="Cancel").click()
    await expect(row).to_have_count(0)
    await eventually(lambda: not list((site.settings.media_root / "resumable").iterdir()))
    await expect(page.locator("#unfinished")).to_be_hidden()
    await expect(page.locator("#files tbody tr")).to_have_count(1)


async def test_an_upload_resumes_after_a_reload(page: Page, site: Programs, tmp_path: Path) -> None:
    path = tmp_path / "again.csv"
    digest = large(path, 6)
    await live(page)
    await slow_down(page, 1_500_000)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.set_input_files("#file", str(path))
    await page.click("#upload-submit")

    async def some() -> bool:
        return await arrived(site) > 1_000_000

    await eventually(some)
    await page.reload()
    kept = await arrived(site)
    await expect(page.locator("#unfinished")).to_have_text(
        re.compile(r"^Upload of “again.csv” stopped at \d+ %. Choose the same file to resume.$")
    )
    sent: list[int] = []
    page.on(
        "request",
        lambda request: (
            sent.append(int(request.headers.get("upload-offset", "0")))
            if request.method == "PATCH"
            else None
        ),
    )
    await page.set_input_files("#file", str(path))
    await page.click("#upload-submit")
    row = page.locator("tr", has_text="again.csv")
    await expect(row.locator(".status")).to_have_text("Ok", timeout=60_000)
    assert sent
    assert sent[0] >= kept > 0
    assert (await first_file(site))["sha256"] == digest
    await expect(page.locator("#unfinished")).to_be_hidden()


async def test_many_files_at_once(page: Page, site: Programs) -> None:
    await live(page)
    files = [
        {"name": f"{n}.csv", "mimeType": "text/csv", "buffer": b"a,b\n%d,2\n" % n}
        for n in range(12)
    ]
    await page.set_input_files("#file", files)  # type: ignore[arg-type]
    await page.click("#upload-submit")
    await expect(page.locator("tbody .status-ok")).to_have_count(12, timeout=60_000)


@pytest.mark.parametrize("how", ["accept", "refuse"])
async def test_the_form_works_without_scripts(
    context: BrowserContext, site: Programs, how: str
) -> None:
    browser = context.browser
    assert browser is not None
    plain = await browser.new_context(base_url=site.address, java_script_enabled=False)
    page = await plain.new_page()
    await page.goto("/")
    data = b"a,b\n1,2\n" if how == "accept" else b"%PDF-1.7"
    await page.set_input_files(
        "#file", {"name": "plain.csv", "mimeType": "text/csv", "buffer": data}
    )
    await page.click("#upload-submit")
    if how == "refuse":
        await expect(page.locator(".message-dismiss")).to_contain_text("PDF")
        await page.click("text=Back to the files")
        await expect(page.locator(".empty")).to_be_visible()
    else:
        await expect(page.locator(".message-success")).to_contain_text(
            "plain.csv” uploaded – queued as #"
        )

        async def ended() -> bool:
            await page.goto("/")
            return await page.locator(".status-ok").count() == 1

        await eventually(ended)
        await page.get_by_role("link", name="plain.csv").click()
        await expect(page.locator("dialog")).to_contain_text("1 row read: 1 kept")
        await expect(page.locator("dialog .sample")).to_be_visible()
        await page.click("dialog >> text=Close")
        await page.get_by_role("button", name="Delete plain.csv").click()
        await expect(page.locator("tbody .status")).to_have_text("Removed")
    await plain.close()
