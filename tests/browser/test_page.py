"""What a person sees and clicks."""

import re
import signal
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page, expect

from tests.programs import Programs

CSV = "id,city,price\n" + "".join(f"{n},Oslo,{n}.50\n" for n in range(200))


def upload_of(name: str, text: str = CSV, kind: str = "text/csv") -> Any:
    return {"name": name, "mimeType": kind, "buffer": text.encode()}


async def send(page: Page, *files: Any) -> None:
    await page.set_input_files("#file", list(files))
    await page.click("#upload-submit")


async def live(page: Page) -> None:
    await page.goto("/")
    await expect(page.locator("#connection")).to_have_text("live", timeout=30_000)


async def test_an_upload_becomes_ok_without_reloading(page: Page) -> None:
    await live(page)
    await page.evaluate("window.stillTheSamePage = true")
    await expect(page.locator(".empty")).to_contain_text("No files yet")
    await send(page, upload_of("cities.csv"))
    await expect(page.locator(".message-success")).to_have_text(
        "“cities.csv” uploaded – queued as #1."
    )
    row = page.locator("tr", has_text="cities.csv")
    await expect(row.locator(".status")).to_have_text("Ok", timeout=30_000)
    await expect(row.locator("[data-label=Rows]")).to_contain_text("200")
    assert await page.evaluate("window.stillTheSamePage") is True
    await expect(page.locator(".message-success")).to_have_count(0, timeout=15_000)


async def test_options_keep_their_order_and_take_effect(page: Page, site: Programs) -> None:
    await live(page)
    await page.get_by_text("Reading options").click()
    labels = await page.locator(".more-options label").all_text_contents()
    assert labels[:3] == ["Encoding", "Delimiter", "Quote"]
    await page.get_by_label("Delimiter").fill("!")
    await page.get_by_label("Integer size").select_option("narrow")
    await expect(page.get_by_label("Header rows")).to_have_accessible_description(
        "0 if there is no header"
    )
    await send(page, upload_of("odd.csv", "n!text\n" + "1!a,b\n" * 20))
    await expect(page.locator(".status-ok")).to_be_visible(timeout=30_000)
    async with httpx.AsyncClient(base_url=site.address) as http:
        result = (await http.get("/api/v1/files/1/result")).json()
    assert result["receipt"]["options"] == {"delimiter": "!", "integers": "narrow"}


async def test_the_details_dialog_shows_what_is_in_the_file(page: Page, tmp_path: Path) -> None:
    await live(page)
    await send(page, upload_of("cities.csv"))
    await expect(page.locator(".status-ok")).to_be_visible(timeout=30_000)
    await page.get_by_role("link", name="cities.csv", exact=True).click()
    dialog = page.locator("dialog")
    await expect(dialog).to_be_visible()
    assert await dialog.evaluate("dialog => dialog.matches(':modal')")
    await expect(dialog).to_contain_text("200 rows read: 200 kept, 0 rejected")
    await dialog.get_by_role("tab", name="Columns").click()
    await expect(dialog.locator(".columns tbody tr")).to_have_count(3)
    await expect(dialog.locator("svg.histogram")).to_have_count(2)
    await dialog.get_by_role("tab", name="Sample").click()
    await expect(dialog.locator(".sample")).to_contain_text("Oslo")
    async with page.expect_download() as download:
        await dialog.get_by_role("link", name="Typed Parquet").click()
    saved = tmp_path / "saved.parquet"
    await (await download.value).save_as(saved)
    assert saved.read_bytes()[:4] == b"PAR1"
    assert (await download.value).suggested_filename == "cities.clean.parquet"
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()


async def test_progress_cancel_and_remove(page: Page) -> None:
    await live(page)
    await page.select_option("#handler", "emulate")
    await page.fill('[name="option.seconds"]', "600")
    await send(page, upload_of("long.csv"))
    row = page.locator("tr", has_text="long.csv")
    await expect(row.locator(".state")).to_contain_text("Working", timeout=30_000)
    await expect(row.locator("progress")).to_have_attribute("value", re.compile(r"0\.0"))
    await row.get_by_role("button", name="Cancel").click()
    await expect(row.locator(".status")).to_have_text("Canceled")
    await expect(row.get_by_role("button", name="Cancel")).to_have_count(0)
    await row.get_by_role("button", name="Retry").click()
    await expect(row.locator(".state")).to_contain_text("Working", timeout=30_000)
    await row.get_by_role("button", name="Cancel").click()
    await expect(row.locator(".status")).to_have_text("Canceled")

    await page.select_option("#handler", "profile")
    await expect(page.locator('[name="option.seconds"]')).to_be_hidden()
    await send(page, upload_of("gone.csv"))
    row = page.locator("tr", has_text="gone.csv")
    await expect(row.locator(".status")).to_have_text("Ok", timeout=30_000)
    page.once("dialog", lambda dialog: dialog.accept())
    await row.get_by_role("button", name="Delete").click()
    await expect(row.locator(".status")).to_have_text("Removed")


async def test_errors_are_messages_that_can_be_dismissed(page: Page) -> None:
    await live(page)
    await send(page, upload_of("notes.csv", "%PDF-1.7 hello"))
    message = page.locator(".message-dismiss")
    await expect(message).to_contain_text("notes.csv” is a PDF document")
    await message.get_by_role("button", name="Dismiss").click()
    await expect(message).to_be_hidden()
    await send(page, upload_of("empty.csv", ""))
    await expect(page.locator(".message-dismiss", has_text="empty.csv")).to_contain_text("is empty")
    await send(page, upload_of("blank.csv", "\n\n"))
    row = page.locator("tr", has_text="blank.csv")
    await expect(row.locator(".status")).to_have_text("Error", timeout=30_000)


async def test_a_csv_that_the_system_calls_a_spreadsheet(page: Page) -> None:
    await live(page)
    await send(page, upload_of("from-windows.csv", CSV, "application/vnd.ms-excel"))
    row = page.locator("tr", has_text="from-windows.csv")
    await expect(row.locator(".status")).to_have_text("Ok", timeout=30_000)


async def test_dropping_files_uploads_them(page: Page) -> None:
    await live(page)
    transfer = await page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["a,b\\n1,2\\n"], "one.csv", { type: "text/csv" }));
            transfer.items.add(new File(["a,b\\n1,2\\n"], "two.csv", { type: "text/csv" }));
            return transfer;
        }"""
    )
    await page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    for name in ("one.csv", "two.csv"):
        row = page.locator("tr", has_text=name)
        await expect(row.locator(".status")).to_have_text("Ok", timeout=30_000)


async def test_names_and_cells_are_data(page: Page) -> None:
    await live(page)
    name = "<img src=x onerror=alert(1)>.csv"
    await send(page, upload_of(name, "<b>a</b>,c\n<script>alert(1)</script>,2\n"))
    await expect(page.locator(".status-ok")).to_be_visible(timeout=30_000)
    await page.get_by_role("link", name=name, exact=True).click()
    dialog = page.locator("dialog")
    await expect(dialog).to_contain_text(name)
    await dialog.get_by_role("tab", name="Sample").click()
    await expect(dialog.locator(".sample")).to_contain_text("<script>alert(1)</script>")
    assert await page.locator("main img, dialog img, dialog script, dialog b").count() == 0


async def test_a_row_that_is_in_focus_stays_there(page: Page) -> None:
    await live(page)
    await page.select_option("#handler", "emulate")
    await page.fill('[name="option.seconds"]', "600")
    await send(page, upload_of("long.csv"))
    state = page.locator("tr", has_text="long.csv").locator(".state small")
    await expect(state).to_contain_text("%", timeout=30_000)
    button = page.get_by_role("link", name="long.csv", exact=True)
    await button.focus()
    before = await page.locator("progress[aria-label^='Progress']").get_attribute("value")
    await expect(page.locator("progress[aria-label^='Progress']")).not_to_have_attribute(
        "value", before or ""
    )
    await expect(button).to_be_focused()
    await page.get_by_role("button", name="Cancel long.csv", exact=True).click()


async def test_the_page_comes_back_after_a_restart_of_web(page: Page, site: Programs) -> None:
    await live(page)
    for program in site.running("quart_app"):
        program.signal(signal.SIGTERM)
        program.process.wait(20)
    await expect(page.locator("#connection")).to_have_text("reconnecting")
    site.web()
    await expect(page.locator("#connection")).to_have_text("live", timeout=30_000)
    await send(page, upload_of("after.csv"))
    row = page.locator("tr", has_text="after.csv")
    await expect(row.locator(".status")).to_have_text("Ok", timeout=30_000)


async def test_the_documentation_shows_the_contract(page: Page) -> None:
    await page.goto("/docs")
    await expect(page.locator("#swagger-ui")).to_contain_text("/processing_file/{file_id}/detail/")


async def test_nothing_is_wider_than_a_small_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await live(page)
    await send(page, upload_of("x" * 80 + ".csv"))
    await expect(page.locator(".status-ok")).to_be_visible(timeout=30_000)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await page.get_by_role("link", name="x" * 80 + ".csv", exact=True).click()
    await expect(page.locator("dialog")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
