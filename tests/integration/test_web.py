"""The public contract over HTTP, on real servers, without a worker."""

import asyncio
import re
from urllib.parse import urlencode, urljoin

import pytest
from quart.typing import TestClientProtocol as Client
from quart.typing import TestHTTPConnectionProtocol as Connection
from sqlalchemy import text
from werkzeug.datastructures import Headers

from processing import repository
from processing.core import Core
from processing.models import HandlerInfo
from processing.settings import Settings
from processing.states import Outcome, Status
from processing.stream_reader import START
from quart_app.app import create_app
from tests.integration.forms import BOUNDARY, csv_part, part, post
from tests.integration.steps import claim_all, end, force, status_of, submit


async def page_at(client: Client, path: str) -> str:
    return await (await client.get(path)).get_data(as_text=True)


async def rows(core: Core) -> int:
    async with core.database.connect() as connection:
        return len((await repository.list_files(connection, limit=1000)).files)


async def test_an_upload_creates_a_row_an_entry_and_an_event(client: Client, core: Core) -> None:
    status, text = await post(client, csv_part(b"a,b\n1,2\n"))
    assert status == 201
    assert "message-success" in text
    assert "remove-me" in text
    async with core.database.connect() as connection:
        (file,) = (await repository.list_files(connection, limit=10)).files
    assert (file.name, file.size, file.handler) == ("a.csv", 8, "profile")
    assert file.status == Status.WAITING
    assert len(file.sha256) == 64
    assert core.storage.original(file.id).read_bytes() == b"a,b\n1,2\n"
    assert await core.commands.xlen(core.keys.jobs) == 1
    events = await core.events.read(START)
    assert [event.status for _, event in events if event] == ["Waiting"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("text/plain", "a.csv"), ("application/json", "a.csv"), ("", "a.csv"), ("image/png", "b.png")],
)
async def test_what_is_not_text_csv_is_refused(
    client: Client, core: Core, kind: str, name: str
) -> None:
    status, text = await post(client, csv_part(kind=kind, name=name))
    assert status == 415
    assert "message-dismiss" in text
    assert "text/csv" in text
    assert await rows(core) == 0
    assert not list((core.settings.media_root / "partial").iterdir())


async def test_a_charset_is_accepted(client: Client) -> None:
    assert (await post(client, csv_part(kind="text/csv; charset=utf-8")))[0] == 201


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.csv", "boot.csv"),
        ("/etc/cron.d/x.csv", "x.csv"),
        ("<script>alert(1)</script>.csv", "script>.csv"),
        ("<b onmouseover=x>.csv", "<b onmouseover=x>.csv"),
        ("наименование.csv", "наименование.csv"),
        ("a\u202egnp.csv", "a\u202egnp.csv"),
        ("n" * 255, "n" * 255),
    ],
)
async def test_names_are_data(client: Client, core: Core, name: str, stored: str) -> None:
    status, text = await post(client, csv_part(name=name))
    assert status == 201
    assert "<script" not in text
    assert "<b onmouseover" not in text
    async with core.database.connect() as connection:
        (file,) = (await repository.list_files(connection, limit=10)).files
    assert file.name == stored
    page = await page_at(client, "/")
    assert "<b onmouseover" not in page
    inside = [path for path in core.settings.media_root.rglob("*") if path.is_file()]
    assert inside == [core.storage.original(file.id)]


@pytest.mark.parametrize("name", ["", " ", "..", "a\0b.csv", "a\tb.csv", "n" * 256, "n" * 10_000])
async def test_invalid_names_are_refused(client: Client, core: Core, name: str) -> None:
    status, text = await post(client, csv_part(name=name))
    assert status == 400
    assert "name" in text
    assert await rows(core) == 0


@pytest.mark.parametrize(
    "parts",
    [(), (part("handler", b"profile"),), (part("file", b"not a file"),)],
    ids=["nothing", "another field", "no file name"],
)
async def test_a_form_without_a_file(client: Client, core: Core, parts: tuple[bytes, ...]) -> None:
    status, text = await post(client, *parts)
    assert status == 400
    assert "file" in text
    assert await rows(core) == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"a,b\n"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=" + "b" * 300, b"x"),
        (f"multipart/form-data; boundary={BOUNDARY}", b"garbage"),
        (f"multipart/form-data; boundary={BOUNDARY}", csv_part() + b"--" + BOUNDARY.encode()),
        (f"multipart/form-data; boundary={BOUNDARY}", csv_part()[:-30]),
        (f"multipart/form-data; boundary={BOUNDARY}", b""),
        ("", b""),
    ],
)
async def test_bodies_that_are_no_form(
    client: Client, core: Core, content_type: str, body: bytes
) -> None:
    headers = Headers({"Content-Type": content_type})
    response = await client.post("/processing_file/", data=body, headers=headers)
    assert response.status_code == 400
    assert "message-dismiss" in await response.get_data(as_text=True)
    assert await rows(core) == 0
    assert not list((core.settings.media_root / "partial").iterdir())


async def test_several_files_make_several_rows(client: Client, core: Core) -> None:
    status, text = await post(
        client, csv_part(name="1.csv"), csv_part(name="2.txt", kind="text/plain"), csv_part()
    )
    assert status == 201
    assert text.count("message-success") == 2
    assert text.count("message-dismiss") == 1
    assert await rows(core) == 2


async def test_handler_and_options(client: Client, core: Core) -> None:
    schema = {"properties": {"seconds": {"type": "number"}}}
    info = HandlerInfo("emulate", "Emulate", "Burns.", schema)
    async with core.database.connect() as connection:
        await repository.upsert_handlers(connection, [info])
    fields = [part("handler", b"emulate"), part("option.seconds", b"2"), part("option.x", b"1")]
    assert (await post(client, csv_part(), *fields))[0] == 201
    async with core.database.connect() as connection:
        (file,) = (await repository.list_files(connection, limit=10)).files
    assert (file.handler, file.options) == ("emulate", {"seconds": "2"})
    assert (await post(client, csv_part(), part("handler", b"nonsense")))[0] == 422
    assert await rows(core) == 1
    assert not list((core.settings.media_root / "partial").iterdir())


async def test_a_file_over_the_limit(settings: Settings, core: Core) -> None:
    small = settings.model_copy(update={"max_upload_mb": 1})
    app = create_app(small)
    async with app.test_app():
        status, text = await post(app.test_client(), csv_part(b"x" * (1024 * 1024 + 1)))
    assert status == 413
    assert "larger than 1 MiB" in text
    assert await rows(core) == 0
    assert not list((core.settings.media_root / "partial").iterdir())


async def test_delete_cancels_or_removes(client: Client, core: Core) -> None:
    waiting, finished, failed = [await submit(core) for _ in range(3)]
    claimed = {item.job.id: item for item in await claim_all(core)}
    await core.lifecycle.jobs.record_results([end(claimed[finished.id].job)])
    await core.lifecycle.jobs.record_results([end(claimed[failed.id].job, Status.ERROR)])
    expected = [
        (waiting, Status.CANCELED),
        (finished, Status.REMOVED),
        (failed, Status.CANCELED),
    ]
    for file, status in expected:
        response = await client.delete(f"/processing_file/{file.id}/")
        assert response.status_code == 200
        assert await status_of(core, file.id) == status
    assert not core.storage.original(finished.id).parent.exists()
    assert core.storage.original(failed.id).exists()


async def test_retry(client: Client, core: Core) -> None:
    file = await submit(core)
    assert (await client.post(f"/processing_file/{file.id}/retry/")).status_code == 409
    await client.delete(f"/processing_file/{file.id}/")
    assert "Retry" in await page_at(client, "/")
    assert (await client.post(f"/processing_file/{file.id}/retry/")).status_code == 200
    assert await status_of(core, file.id) == Status.WAITING
    assert (await client.post("/processing_file/12345/retry/")).status_code == 404


@pytest.mark.parametrize("file_id", ["12345", str(2**63), "9" * 40])
@pytest.mark.parametrize("path", ["detail/", "original/", "artifact/clean.parquet/", ""])
async def test_unknown_ids_are_404(client: Client, file_id: str, path: str) -> None:
    call = client.get if path else client.delete
    response = await call(f"/processing_file/{file_id}/{path}")
    assert response.status_code == 404
    assert "message-dismiss" in await response.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/nothing", "/processing_file/x/detail/", "/static/../app.py"])
async def test_unknown_addresses_are_404(client: Client, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_the_detail_of_every_status(client: Client, core: Core) -> None:
    file = await submit(core)
    for status in Status:
        await force(core, file.id, status)
        page = await client.get(f"/processing_file/{file.id}/detail/")
        assert page.status_code == 200
        assert f">{status}</span>" in await page.get_data(as_text=True)


async def test_the_detail_in_words(client: Client, core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    failed = end(claimed.job, Status.ERROR, message="No line ends.")
    await core.lifecycle.jobs.record_results([failed._replace(outcome=Outcome.BAD_INPUT)])
    page = await page_at(client, f"/processing_file/{file.id}/detail/")
    assert "Couldn&#39;t read this file: No line ends." in page
    assert "Fix the file, or choose other options, and upload it again." in page
    await client.delete(f"/processing_file/{file.id}/")
    await client.post(f"/processing_file/{file.id}/retry/")
    result = {
        "accounting": {"read": 5000, "written": 4999, "rejected": 1, "repaired": 3},
        "encoding": {"name": "utf-8", "bom": True, "compression": "gzip", "evidence": "BOM"},
        "dialect": {"delimiter": "comma", "line_ends": "LF", "evidence": {}},
        "layout": {"header_rows": 1, "evidence": {}},
        "columns": [],
    }
    (claimed,) = await claim_all(core)
    await core.lifecycle.jobs.record_results([end(claimed.job, result=result, row_count=4999)])
    page = await page_at(client, f"/processing_file/{file.id}/detail/")
    assert "5,000 rows read: 4,999 kept (3 of them repaired), 1 rejected." in page
    assert "UTF-8 with byte-order mark in gzip" in page
    assert "<dt>Header</dt><dd>1 row</dd>" in page


async def test_an_expired_file_gives_one_reason(client: Client, core: Core) -> None:
    expired, deleted = [await submit(core) for _ in range(2)]
    first, second = await claim_all(core)
    await core.lifecycle.jobs.record_results([end(first.job), end(second.job)])
    await client.delete(f"/processing_file/{deleted.id}/")
    assert await core.lifecycle.files.expire(days=1e-9) == 1
    page = await page_at(client, f"/processing_file/{expired.id}/detail/")
    assert "after the file was finished (KEEP_DAYS)." in page
    assert "Data and results were deleted." not in page
    page = await page_at(client, f"/processing_file/{deleted.id}/detail/")
    assert "Data and results were deleted." in page


async def test_only_the_profile_handler_has_reading_options(client: Client, core: Core) -> None:
    schema = {"properties": {name: {"type": "string"} for name in "abcd"}}
    infos = [HandlerInfo(name, name, "Text.", schema) for name in ("own", "profile")]
    async with core.database.connect() as connection:
        await repository.upsert_handlers(connection, infos)
    page = await page_at(client, "/")
    assert re.findall('data-handler="(.+)">\n *<summary>(.+)</summary>', page) == [
        ("profile", "Reading options (detected automatically)"),
        ("own", "Options"),
    ]


async def test_bulk_skips_files_that_have_finished(client: Client, core: Core) -> None:
    files = [await submit(core) for _ in range(3)]
    await core.lifecycle.jobs.record_results([end((await claim_all(core))[0].job)])
    form = urlencode([("action", "cancel"), *(("id", file.id) for file in files)])
    headers = Headers({"Content-Type": "application/x-www-form-urlencoded"})
    response = await client.post("/processing_file/bulk/", data=form, headers=headers)
    assert "Cancelled 2 files. 1 had already finished." in await response.get_data(as_text=True)


async def test_downloads(client: Client, core: Core) -> None:
    file = await submit(core, 'quote " and ünïcode.csv', b"a\n1\n")
    original = await client.get(f"/processing_file/{file.id}/original/")
    assert await original.get_data() == b"a\n1\n"
    assert original.headers["Content-Disposition"].startswith("attachment")
    (claimed,) = await claim_all(core)
    folder = core.storage.attempt_folder(file.id, 1)
    folder.mkdir()
    (folder / "out.txt").write_text("made")
    (folder / "secret.txt").write_text("not an artifact")
    artifact = {
        "name": "out.txt",
        "title": "Out",
        "media_type": "text/plain",
        "size": 4,
        "sha256": "0" * 64,
    }
    await core.lifecycle.jobs.record_results([end(claimed.job, artifacts=[artifact])])
    made = await client.get(f"/processing_file/{file.id}/artifact/out.txt/")
    assert await made.get_data() == b"made"
    for name in ("secret.txt", "..", "%2e%2e%2foriginal"):
        missing = await client.get(f"/processing_file/{file.id}/artifact/{name}/")
        assert missing.status_code == 404


async def test_health_and_readiness(client: Client, core: Core) -> None:
    assert (await client.get("/healthz")).status_code == 200
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert (await ready.get_json())["checks"] == {
        "database": "ok",
        "redis": "ok",
        "migrations": "ok",
    }
    async with core.database.connect() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert "older" in (await ready.get_json())["checks"]["migrations"]


async def test_the_page_and_the_documentation_load_nothing_from_elsewhere(
    client: Client,
) -> None:
    for path in ("/", "/docs"):
        page = await page_at(client, path)
        addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert addresses
        assert all(address.startswith(("/", "#")) for address in addresses)
        for address in addresses:
            if address.startswith("/static"):
                assert (await client.get(address.partition("#")[0])).status_code == 200


async def test_the_form_shows_the_labels_of_choices(client: Client, core: Core) -> None:
    choices = {"enum": ["wide", "narrow"], "default": "wide"}
    labels = {"wide": "64-bit always", "narrow": "smallest that fits"}
    schema = {"properties": {"integers": {**choices, "x-labels": labels}, "plain": choices}}
    async with core.database.connect() as connection:
        await repository.upsert_handlers(connection, [HandlerInfo("h", "H", "Text.", schema)])
    page = await page_at(client, "/")
    assert '<option value="">64-bit always</option>' in page
    assert '<option value="narrow">smallest that fits</option>' in page
    assert '<option value="narrow">narrow</option>' in page


async def test_openapi_knows_the_contract(client: Client) -> None:
    document = await (await client.get("/openapi.json")).get_json()
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert set(paths["/processing_file/"]["post"]["responses"]) >= {"201", "415", "503"}
    assert "delete" in paths["/processing_file/{file_id}/"]
    assert "get" in paths["/processing_file/{file_id}/detail/"]
    stream = paths["/processing_file/listen-updates/"]["get"]["responses"]["200"]
    assert "text/event-stream" in stream["content"]


async def test_headers_of_every_answer(client: Client) -> None:
    for path in ("/", "/docs", "/nothing", "/healthz", "/static/js/main.js"):
        headers = (await client.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "'unsafe-inline'" not in policy.replace("style-src 'self' 'unsafe-inline'", "")
        assert headers["X-Content-Type-Options"] == "nosniff"


IMPORT = re.compile(r' from "(\.{1,2}/[^"]+)";$', re.MULTILINE)


async def test_the_page_preloads_the_modules_that_it_imports(client: Client) -> None:
    page = await page_at(client, "/")
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
    imported: set[str] = set()
    unread = ["/static/js/main.js"]
    while unread:
        module = unread.pop()
        text = await (await client.get(module)).get_data(as_text=True)
        found = {urljoin(module, name) for name in IMPORT.findall(text)} - imported
        imported |= found
        unread += found
    assert sorted(preloaded) == sorted(imported)


async def test_a_browser_asks_whether_a_script_has_changed(client: Client) -> None:
    script = await client.get("/static/js/main.js")
    assert script.headers["Cache-Control"] == "public, max-age=0"
    same = await client.get("/static/js/main.js", headers={"If-None-Match": script.headers["ETag"]})
    assert same.status_code == 304


async def test_another_site_cannot_act_through_its_visitors(client: Client, core: Core) -> None:
    assert (await post(client, csv_part(), Origin="https://evil.example"))[0] == 403
    assert await rows(core) == 0
    assert (await post(client, csv_part(), Origin="http://localhost"))[0] == 201


async def read_stream(client: Client, until: str, *, last_id: str = "", query: str = "") -> str:
    """Collect a stream until ``until`` was received."""
    headers = Headers({"Last-Event-ID": last_id} if last_id else {})
    async with client.request(
        f"/processing_file/listen-updates/{query}", headers=headers
    ) as connection:
        await connection.send_complete()
        received = await receive_until(connection, until)
        await connection.disconnect()
    return received


async def receive_until(connection: Connection, until: str) -> str:
    received = ""
    async with asyncio.timeout(20):
        while until not in received:
            received += (await connection.receive()).decode()
    return received


def ids(stream: str) -> list[str]:
    return re.findall(r"^id: (\S+)$", stream, re.MULTILINE)


async def test_a_stream_begins_with_the_table(client: Client, core: Core) -> None:
    await submit(core, "first.csv")
    stream = await read_stream(client, "first.csv")
    assert stream.startswith("retry: ")
    assert "event: handlingStatusChanged\ndata: " in stream


async def test_a_change_reaches_the_stream_with_its_stream_id(client: Client, core: Core) -> None:
    await submit(core, "first.csv")
    async with client.request("/processing_file/listen-updates/") as connection:
        await connection.send_complete()
        assert "second.csv" not in await receive_until(connection, "first.csv")
        await submit(core, "second.csv")  # to a client that is connected
        change = await receive_until(connection, "second.csv")
        assert "event: handlingStatusChanged" in change
        await connection.disconnect()
    await submit(core, "third.csv")
    # The row exists before its event: the first table may show it under an older id.
    newest = await core.events.last_id()
    again = await read_stream(client, f"id: {newest}")
    assert "third.csv" in again
    assert ids(again)[-1] == newest


async def test_a_returning_client_gets_the_table_and_no_gap(client: Client, core: Core) -> None:
    await submit(core, "seen.csv")
    seen = await core.events.last_id()
    await submit(core, "missed.csv")
    stream = await read_stream(client, "missed.csv", last_id=seen)
    assert "event: gap" not in stream


@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_gap_is_announced_to_a_client_of_an_earlier_stream(
    client: Client, core: Core, how: str
) -> None:
    await submit(core, "now.csv")
    old = "1500000000000-0"
    stream = await read_stream(
        client,
        "now.csv",
        last_id=old if how == "header" else "",
        query=f"?last_event_id={old}" if how == "query" else "",
    )
    assert stream.index("event: gap") < stream.index("event: handlingStatusChanged")


@pytest.mark.parametrize("clock_went_back", [False, True])
async def test_a_wiped_stream_is_announced_to_open_clients(
    client: Client, core: Core, clock_went_back: bool
) -> None:
    await submit(core, "before.csv")
    reading = asyncio.create_task(read_stream(client, "event: gap"))
    # Only a client that has seen an entry can notice that it is gone.
    await read_stream(client, f"id: {await core.events.last_id()}")
    await core.commands.delete(core.keys.events)
    if clock_went_back:
        await core.commands.xadd(core.keys.events, {"type": "status"}, id="1-1")
    await submit_unannounced(core, "after.csv")
    await reading
    assert "after.csv" in await read_stream(client, "after.csv")


async def submit_unannounced(core: Core, name: str) -> None:
    """Insert a row without an event: only a full snapshot can show it."""
    connection = core.database.dedicated()
    new = repository.NewFile(
        id=await repository.next_id(connection),
        name=name,
        size=1,
        sha256="0" * 64,
        handler="profile",
        options={},
    )
    await repository.insert_file(connection, new)


async def test_pages_of_the_table(client: Client, core: Core) -> None:
    for number in range(55):
        await submit_unannounced(core, f"file-{number}.csv")
    first = await page_at(client, "/")
    assert first.count("<tr id=") == 50
    older = re.search(r'href="(/\?after=[\w-]+)"', first)
    assert older is not None
    second = await page_at(client, older[1])
    assert second.count("<tr id=") == 5
    assert (await client.get("/?after=nonsense")).status_code == 200
