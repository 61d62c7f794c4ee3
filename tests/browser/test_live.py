"""The table and the details dialog: filters, search, many rows, and what a live update keeps."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from processing.paths import ROOT
from tests.browser.test_page import CSV, live, send, upload_of
from tests.conftest import eventually
from tests.programs import Programs

AXE = (ROOT / "tests" / "browser" / "vendor" / "axe.min.js").read_text()


async def put(site: Programs, name: str, data: bytes | str = CSV, **fields: str) -> int:
    """Send a file as a program does, beside the browser."""
    parameters = {key.replace("__", "."): value for key, value in fields.items()}
    async with httpx.AsyncClient(base_url=f"{site.address}/api/v1") as http:
        content = data.encode() if isinstance(data, str) else data
        answer = await http.put(f"/files/{name}", content=content, params=parameters)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["file"]["id"])


async def burning(site: Programs, name: str) -> int:
    return await put(site, name, handler="emulate", option__seconds="600")


async def ended(site: Programs, *ids: int) -> None:
    async with httpx.AsyncClient(base_url=f"{site.address}/api/v1", timeout=60) as http:
        for file_id in ids:
            answer = await http.get(f"/files/{file_id}", params={"wait": 30})
            assert answer.json()["finished_at"]


async def test_ten_tabs_are_all_live(context: BrowserContext, site: Programs) -> None:
    pages = [await context.new_page() for _ in range(10)]
    for page in pages:
        await live(page)
    await put(site, "everywhere.csv")
    for page in pages:
        row = page.locator("tr", has_text="everywhere.csv")
        await expect(row.locator(".status")).to_have_text("Ok", timeout=30_000)
    # The shared connection outlives the tab that opened it.
    await pages[0].close()
    await put(site, "later.csv")
    for page in pages[1:]:
        await expect(page.locator("tr", has_text="later.csv")).to_be_visible(timeout=30_000)


def own_streams(page: Page) -> list[str]:
    """Event streams that the page opens itself; the shared worker's are not among its requests."""
    opened: list[str] = []
    page.on(
        "request",
        lambda request: opened.append(request.url) if "listen-updates" in request.url else None,
    )
    return opened


@pytest.mark.parametrize(
    "browser_lacks",
    [
        "delete window.SharedWorker",
        "delete Navigator.prototype.locks",
        # Knows classic workers only: it does not read the option `type`.
        "window.SharedWorker = class { port = new MessageChannel().port1; }",
    ],
)
async def test_without_module_workers_a_tab_has_its_own_stream(
    page: Page, site: Programs, browser_lacks: str
) -> None:
    await page.add_init_script(browser_lacks)
    streams = own_streams(page)
    await live(page)
    assert len(streams) == 1
    await put(site, "alone.csv")
    await expect(page.locator("tr", has_text="alone.csv")).to_be_visible(timeout=30_000)


async def test_a_worker_that_cannot_be_loaded_is_started_again(page: Page, site: Programs) -> None:
    await page.add_init_script(
        """{
            const Native = SharedWorker;
            window.failures = 0;
            window.SharedWorker = function (url, options) {
                const broken = String(url).endsWith("/worker.js") && window.failures++ < 1;
                return new Native(broken ? "/static/js/missing.js" : url, options);
            };
        }"""
    )
    streams = own_streams(page)
    await live(page)
    assert await page.evaluate("window.failures") == 2
    assert streams == []
    await put(site, "again.csv")
    await expect(page.locator("tr", has_text="again.csv")).to_be_visible(timeout=30_000)


async def test_the_page_comes_back_after_answers_of_503(page: Page, site: Programs) -> None:
    await live(page)
    (web,) = site.running("quart_app")
    web.stop()
    refused = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        await reader.readuntil(b"\r\n\r\n")
        refused += 1
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    # What a proxy says while the server behind it is being replaced.
    proxy = await asyncio.start_server(refuse, site.settings.host, site.settings.port)
    await eventually(lambda: refused >= 2)
    await expect(page.locator("#connection")).to_have_text("reconnecting")
    proxy.close()
    site.web()
    await expect(page.locator("#connection")).to_have_text("live", timeout=60_000)
    await put(site, "after.csv")
    await expect(page.locator("tr", has_text="after.csv")).to_be_visible(timeout=30_000)


async def test_tabs_with_different_views(context: BrowserContext, site: Programs) -> None:
    everything, errors = await context.new_page(), await context.new_page()
    await live(everything)
    await errors.goto("/?status=Error")
    await expect(errors.locator("#connection")).to_have_text("live")
    await put(site, "good.csv")
    await put(site, "bad.csv", "\n\n")
    await expect(errors.locator("tbody tr")).to_have_count(1, timeout=30_000)
    await expect(errors.locator("tbody")).to_contain_text("bad.csv")
    await expect(everything.locator("tbody tr")).to_have_count(2)


async def test_filters_search_and_sort_are_in_the_url(page: Page, site: Programs) -> None:
    ids = [await put(site, f"{name}.csv", CSV * (n + 1)) for n, name in enumerate("cab")]
    await ended(site, *ids, await put(site, "broken.csv", "\n\n"))
    await live(page)
    names = page.locator("tbody .link")
    await expect(page.get_by_role("link", name="All 4")).to_have_attribute("aria-current", "true")
    await page.get_by_role("link", name="Error 1").click()
    await expect(names).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"/\?status=Error$"))
    await page.go_back()
    await expect(names).to_have_count(4)
    await expect(page.locator("#connection")).to_have_text("live")
    await page.fill("#search", "c.csv")
    await expect(names).to_have_count(1)
    await expect(page.locator("#search")).to_be_focused()
    await expect(page).to_have_url(re.compile("q=c.csv"))
    await page.fill("#search", "nothing like it")
    await expect(page.locator(".empty")).to_contain_text("No file name contains “nothing like it”")
    await page.get_by_role("link", name="Show all files").click()
    await expect(names).to_have_count(4)
    await page.get_by_role("link", name="Size", exact=True).click()
    await expect(names.first).to_have_attribute("title", "b.csv")
    await expect(page.locator("th", has_text="Size")).to_have_attribute("aria-sort", "descending")
    await page.get_by_role("link", name="Size", exact=True).click()
    await expect(names.first).to_have_attribute("title", "broken.csv")
    # What is found stays live.
    await page.goto("/?q=new")
    await expect(page.locator("#connection")).to_have_text("live")
    await put(site, "new-one.csv")
    await put(site, "old-one.csv")
    await expect(page.locator("tr", has_text="new-one.csv")).to_be_visible(timeout=30_000)
    await expect(names).to_have_count(1)


async def test_pages_of_many_files(page: Page, site: Programs) -> None:
    for number in range(55):
        await put(site, f"{number}.csv", "a\n1\n")
    await live(page)
    await expect(page.locator("tbody tr")).to_have_count(50)
    await page.get_by_role("link", name="Next page").click()
    await expect(page.locator("tbody tr")).to_have_count(5)
    await expect(page).to_have_url(re.compile("after="))
    await page.get_by_role("link", name="First page").click()
    await expect(page.locator("tbody tr")).to_have_count(50)


async def test_many_files_are_changed_at_once(page: Page, site: Programs) -> None:
    good = [await put(site, f"good-{n}.csv") for n in range(3)]
    await ended(site, *good)
    for name in ("one", "two"):
        await burning(site, f"{name}.csv")
    await live(page)
    asked: list[str] = []

    async def accept(dialog: Any) -> None:
        asked.append(dialog.message)
        await dialog.accept()

    page.on("dialog", accept)
    await page.check("#choose-all")
    bulk = page.locator("#bulk")
    await expect(bulk).to_contain_text("5 files selected")
    await bulk.get_by_role("button", name="Cancel 2").click()
    await expect(page.locator("tbody .status-canceled")).to_have_count(2)
    assert asked == ["Cancel 2 files? Running jobs stop immediately."]
    await expect(page.locator(".message-success").first).to_contain_text("Cancelled 2 files.")
    for number in good[:2]:
        await page.check(f"#choose-{number}")
    await bulk.get_by_role("button", name="Delete 2").click()
    await expect(page.locator("tbody .status-removed")).to_have_count(2)
    assert asked[1] == "Delete 2 files and their results?"
    await expect(page.locator("tbody .status-ok")).to_have_count(1)


async def test_a_live_update_keeps_what_a_person_does(page: Page, site: Programs) -> None:
    steady = await put(site, "steady.csv")
    await ended(site, steady)
    await live(page)
    await page.check(f"#choose-{steady}")
    await page.evaluate(
        """id => {
            const cell = document.querySelector(`#file-${id} td[data-label="Size"]`);
            getSelection().selectAllChildren(cell);
        }""",
        steady,
    )
    selected = await page.evaluate("String(getSelection())")
    assert selected
    await page.evaluate("window.scrollTo(0, 60)")
    before = await page.evaluate("window.scrollY")
    busy = await burning(site, "busy.csv")
    progress = page.locator(f"#file-{busy} progress")
    await expect(progress).to_have_attribute("value", re.compile(r"0\.0"), timeout=30_000)
    for name in ("first", "second"):
        await put(site, f"{name}.csv")
        await expect(page.locator("tr", has_text=f"{name}.csv")).to_be_visible(timeout=30_000)
    assert await page.evaluate("String(getSelection())") == selected
    assert await page.is_checked(f"#choose-{steady}")
    assert await page.evaluate("window.scrollY") == before
    await page.get_by_role("button", name="Cancel busy.csv").click()


async def test_progress_comes_as_rows_not_as_tables(page: Page, site: Programs) -> None:
    await live(page)
    busy = await burning(site, "busy.csv")
    bar = page.locator(f"#file-{busy} progress")
    await expect(bar).to_have_attribute("value", re.compile(r"0\.0"), timeout=30_000)
    await page.evaluate(
        """() => {
            window.seen = [];
            document.body.addEventListener(
                "htmx:sseMessage", (event) => window.seen.push(event.detail.type));
        }"""
    )

    async def moved() -> bool:
        seen: list[str] = await page.evaluate("window.seen")
        return seen.count("progressChanged") > 4

    await eventually(moved)
    assert await page.evaluate("window.seen.includes('handlingStatusChanged')") is False
    await expect(page.locator(f"#file-{busy} .moving")).to_contain_text("left", timeout=60_000)
    await page.get_by_role("button", name="Cancel busy.csv").click()


async def test_the_details_dialog_has_a_url_and_follows_the_job(page: Page, site: Programs) -> None:
    busy = await burning(site, "busy.csv")
    await page.goto(f"/?file={busy}")
    dialog = page.locator("dialog")
    await expect(dialog).to_be_visible()
    assert await dialog.evaluate("dialog => dialog.matches(':modal')")
    bar = dialog.locator("progress")
    await expect(bar).to_have_attribute("value", re.compile(r"0\.0"), timeout=30_000)
    first = await bar.get_attribute("value")
    await expect(bar).not_to_have_attribute("value", first or "")
    await dialog.get_by_role("tab", name="Timeline").click()
    await httpx_delete(site, busy)
    await expect(dialog.locator(".outcome")).to_contain_text("You can retry it")
    await expect(dialog.get_by_role("tab", name="Timeline")).to_have_attribute(
        "aria-selected", "true"
    )
    await expect(dialog.locator(".timeline")).to_contain_text("Cancelled")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page).not_to_have_url(re.compile("file="))
    await page.go_back()
    await expect(dialog).to_be_visible()
    await page.go_forward()
    await expect(dialog).to_be_hidden()


async def httpx_delete(site: Programs, file_id: int) -> None:
    async with httpx.AsyncClient(base_url=site.address) as http:
        await http.delete(f"/processing_file/{file_id}/")


async def test_the_details_dialog_by_keyboard(page: Page, site: Programs) -> None:
    await ended(site, await put(site, "keys.csv", CSV + '"broken,1,2,3\n'))
    await live(page)
    link = page.get_by_role("link", name="keys.csv", exact=True)
    await link.focus()
    await page.keyboard.press("Enter")
    dialog = page.locator("dialog")
    await expect(dialog).to_be_visible()
    await dialog.get_by_role("tab", name="Overview").focus()
    for name in ("columns", "sample", "problems", "timeline", "overview"):
        await page.keyboard.press("ArrowRight")
        await expect(dialog.locator(f"#panel-{name}")).to_be_visible()
        await expect(dialog.locator(f"#tab-{name}")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(link).to_be_focused()


async def test_the_empty_page_offers_a_sample(page: Page) -> None:
    await live(page)
    await page.get_by_role("link", name="Try it with a sample").click()
    row = page.locator("tr", has_text="harbour-calls.csv")
    await expect(row.locator(".status")).to_have_text("Ok", timeout=30_000)
    await expect(row.locator("[data-label=Rows]")).to_contain_text("201")


NAMES = ["a\u202egnp.csv", "<script>alert(1)</script>.csv", "n" * 251 + ".csv"]


async def test_hostile_names_stay_in_their_place(page: Page) -> None:
    await live(page)
    cells = "name,text\n" + "x" * 10_000 + ",<img src=x onerror=alert(1)>\n"
    await send(page, *(upload_of(name, cells) for name in NAMES))
    await expect(page.locator("tbody .status-ok")).to_have_count(3, timeout=60_000)
    assert await page.locator("main script, main img").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.locator("tbody .link").last.click()
    await page.locator("dialog").get_by_role("tab", name="Sample").click()
    await expect(page.locator("dialog .sample")).to_contain_text("<img src=x")
    assert await page.locator("dialog img").count() == 0


async def axe(page: Page) -> list[str]:
    """What axe-core finds wrong; evaluated by the browser's own hand, past the page's policy."""
    await page.evaluate(AXE)
    found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{problem['id']}: {node['html'][:160]}"
        for problem in found["violations"]
        for node in problem["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_any_view(
    browser: Browser, site: Programs, scheme: Any, tmp_path: Path
) -> None:
    context = await browser.new_context(
        base_url=site.address, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    await live(page)
    problems = {"empty": await axe(page)}
    broken = CSV + '"broken,1,2,3\n1,2\n'
    done = await put(site, "done.csv", broken)
    bad = await put(site, "bad.csv", "\n\n")
    await ended(site, done, bad)
    gone = await put(site, "gone.csv")
    await ended(site, gone)
    await httpx_delete(site, gone)
    busy = await burning(site, "busy.csv")
    stopped = await burning(site, "stopped.csv")
    await httpx_delete(site, stopped)
    await expect(page.locator(f"#file-{busy} progress")).to_be_visible(timeout=30_000)
    problems["table"] = await axe(page)
    await page.get_by_text("Reading options").click()
    problems["options"] = await axe(page)
    await page.check("#choose-all")
    problems["chosen"] = await axe(page)
    for name, file_id in (("done", done), ("bad", bad), ("busy", busy), ("gone", gone)):
        await page.goto(f"/?file={file_id}")
        await expect(page.locator("dialog")).to_be_visible()
        for tab in await page.locator('[role="tab"]').all():
            await tab.click()
            problems[f"{name} {await tab.inner_text()}"] = await axe(page)
    await page.goto("/?q=nothing+like+it&status=Error")
    problems["no match"] = await axe(page)
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto("/")
    problems["phone"] = await axe(page)
    assert {view: found for view, found in problems.items() if found} == {}
    await httpx_delete(site, busy)
    await context.close()
