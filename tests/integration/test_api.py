"""The API for programs, on real servers, without a worker."""

import asyncio
import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client
from werkzeug.datastructures import Headers

from processing import repository
from processing.core import Core
from processing.models import HandlerInfo, WorkerInfo
from processing.repository import Selection, Sort
from processing.settings import Settings
from processing.states import Status
from quart_app.app import create_app
from tests.conftest import eventually
from tests.integration.forms import BOUNDARY, csv_part, part, post
from tests.integration.steps import claim_all, end, finish, force, submit

CSV = b"a,b\n1,2\n"


async def put(client: Client, name: str = "a.csv", data: bytes = CSV, **headers: str) -> Any:
    named = Headers({key.replace("_", "-"): text for key, text in headers.items()})
    return await client.put(f"/api/v1/files/{name}", data=data, headers=named)


async def get(client: Client, path: str, status: int = 200) -> Any:
    response = await client.get(f"/api/v1/{path}")
    assert response.status_code == status, await response.get_data(as_text=True)
    return await response.get_json()


def leftovers(core: Core) -> list[Path]:
    root = core.settings.media_root
    return [path for name in ("partial", "resumable") for path in (root / name).iterdir()]


async def test_put_creates_a_file(client: Client, core: Core) -> None:
    response = await put(client, "sales.csv")
    assert response.status_code == 201
    created = await response.get_json()
    file = created["file"]
    assert (file["name"], file["size"], file["status"]) == ("sales.csv", 8, "Waiting")
    assert file["sha256"] == hashlib.sha256(CSV).hexdigest()
    assert created["same_as"] is None
    assert response.headers["Location"] == file["url"]
    assert core.storage.original(file["id"]).read_bytes() == CSV
    assert not leftovers(core)
    assert await core.commands.xlen(core.keys.jobs) == 1


async def test_a_digest_is_checked(client: Client, core: Core) -> None:
    right = base64.b64encode(hashlib.sha256(CSV).digest()).decode()
    assert (await put(client, Content_Digest=f"sha-256=:{right}:")).status_code == 201
    wrong = base64.b64encode(b"0" * 32).decode()
    for header in (f"sha-256=:{wrong}:", "sha-256=:?:", "md5=:abcd:"):
        response = await put(client, Content_Digest=header)
        assert response.status_code == 400
        assert (await response.get_json())["type"] == "urn:millrace:problem:bad-digest"
    assert len((await get(client, "files"))["files"]) == 1
    assert not leftovers(core)


async def test_the_same_request_is_carried_out_once(client: Client, core: Core) -> None:
    answers = await asyncio.gather(*(put(client, Idempotency_Key="k1") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({(await answer.get_json())["file"]["id"] for answer in answers}) == 1
    assert len((await get(client, "files"))["files"]) == 1
    other = await put(client, data=b"a,b\n3,4\n", Idempotency_Key="k1")
    assert other.status_code == 422
    assert (await other.get_json())["type"] == "urn:millrace:problem:key-reused"
    folders = list((core.settings.media_root / "processing_files").iterdir())
    assert len(folders) == 1
    assert (await put(client, Idempotency_Key="")).status_code == 400
    parts = (csv_part(name="1.csv"), csv_part(name="2.csv"))
    for _ in range(2):
        status, _ = await post(client, *parts, path="/api/v1/files", Idempotency_Key="k2")
        assert status == 201
    assert len((await get(client, "files"))["files"]) == 3
    assert await core.commands.xlen(core.keys.jobs) == 3


async def test_duplicates_are_reported(client: Client) -> None:
    first = (await (await put(client)).get_json())["file"]["id"]
    again = await (await put(client, "b.csv")).get_json()
    assert again["same_as"] == first
    assert again["same_as_url"] == f"/api/v1/files/{first}"
    _, text = await post(client, csv_part())
    assert "the same content as" in text


async def test_a_form_reports_accepted_and_refused_files(client: Client) -> None:
    status, text = await post(
        client,
        csv_part(name="1.csv"),
        csv_part(name="2.png", kind="image/png"),
        csv_part(b"%PDF-1.7 and so on", name="3.csv"),
        csv_part(b"", name="4.csv"),
        csv_part(name="5.csv"),
        path="/api/v1/files",
    )
    assert status == 201
    answer = json.loads(text)
    assert [created["file"]["name"] for created in answer["created"]] == ["1.csv", "5.csv"]
    assert [problem["status"] for problem in answer["refused"]] == [415, 415, 422]
    assert "PDF" in answer["refused"][1]["detail"]


BINARY = bytes(range(256)) * 1000
REFUSED = {
    "pdf": (b"%PDF-1.4 " + b"x" * 100, 415),
    "png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, 415),
    "xlsx": (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml" + b"\0" * 100, 415),
    "binary": (BINARY, 415),
    "empty": (b"", 422),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_other_formats_are_refused_by_their_first_bytes(
    client: Client, core: Core, kind: str
) -> None:
    data, status = REFUSED[kind]
    response = await put(client, data=data)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    problem = await response.get_json()
    assert problem["status"] == status
    assert "a.csv" in problem["detail"]
    assert not leftovers(core)
    assert (await get(client, "files"))["files"] == []


@pytest.mark.parametrize(
    "text",
    [
        "naïve,größe\n1,2\n".encode("utf-16"),
        "a,b\n1,2\n".encode("utf-16-le"),
        "имя,город\n1,2\n".encode("utf-16-be"),
        "имя;город\n1;2\n".encode("cp1251"),
        b"a\x01b\x01c\n" * 100,
        b"a,b\x00\n1,2\n",
        b"\x1f\x8b" + b"\0\1\2\3\4\5\6\7\x0e\x0f\x10\x11" * 20,
    ],
)
async def test_possible_csv_is_accepted(client: Client, text: bytes) -> None:
    assert (await put(client, data=text)).status_code == 201


async def test_content_types_of_programs_are_accepted(client: Client) -> None:
    for kind in ("", "text/csv; charset=utf-8", "application/octet-stream", "text/plain"):
        assert (await put(client, Content_Type=kind)).status_code == 201
    for kind in ("application/json", "image/png", "multipart/form-data; boundary=x"):
        assert (await put(client, Content_Type=kind)).status_code == 415


async def test_lists_are_filtered_sorted_and_paged(client: Client, core: Core) -> None:
    names = ["b.csv", "a.csv", "100%.csv", "a_b.csv", "d.csv"]
    ids = [(await submit(core, name, b"x" * (n + 1))).id for n, name in enumerate(names)]
    await force(core, ids[0], Status.ERROR)
    await force(core, ids[1], Status.OK)
    await force(core, ids[2], Status.CANCELED)

    async def found(query: str) -> list[str]:
        return [file["name"] for file in (await get(client, f"files?{query}"))["files"]]

    assert await found("") == names[::-1]
    assert await found("sort=id") == names
    assert await found("status=Error") == ["b.csv"]
    assert await found("status=Ok&status=Canceled") == ["100%.csv", "a.csv"]
    assert await found("status=Waiting") == ["d.csv", "a_b.csv"]
    assert await found("q=%25") == ["100%.csv"]
    assert await found("q=A_") == ["a_b.csv"]
    assert await found("sort=size&limit=2") == ["b.csv", "a.csv"]
    assert await found("handler=nothing") == []
    digest = hashlib.sha256(b"xx").hexdigest()
    assert await found(f"sha256={digest}") == ["a.csv"]
    for sort in Sort:
        everything = await found(f"sort={sort}")
        paged, after = [], ""
        while True:
            page = await get(client, f"files?sort={sort}&limit=2{after}")
            paged += [file["name"] for file in page["files"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert paged == everything, sort
        assert sorted(paged) == sorted(names)


def cursor(key: object, file_id: object) -> str:
    """What a list hands out to go on with, or nearly so."""
    written = json.dumps([key, file_id]).encode()
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


BAD_QUERIES = [
    "limit=0",
    "limit=x",
    "status=Done",
    "sort=colour",
    "nonsense=1",
    "after=!",
    "after=WzEsMl0",
    "sha256=x",
    "q=%00",
    "limit=1&limit=2",
    "sort=size&after=WyJ4IiwxXQ",
    f"after={cursor('1', 2**63)}",
    f"after={cursor('1', True)}",
    f"after={cursor(1, 1)}",
    f"sort=size&after={cursor(str(2**63), 1)}",
]


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_invalid_parameters_are_named(client: Client, query: str) -> None:
    problem = await get(client, f"files?{query}", 400)
    assert problem["type"] == "urn:millrace:problem:bad-query"
    assert any(word in problem["detail"] for word in (query.split("=")[0], "cursor"))


@pytest.mark.parametrize(
    "query",
    [
        f"after={cursor('1', 2**63 - 1)}",
        f"sort=name&after={cursor(chr(0), 1)}",
        f"sort=size&after={cursor(str(1 - 2**63), 1)}",
        f"sort=seconds&after={cursor('-inf', 1)}",
    ],
)
async def test_a_cursor_may_lie_beyond_all_files(client: Client, core: Core, query: str) -> None:
    await submit(core)
    assert (await get(client, f"files?{query}"))["next"] is None


async def test_waiting_for_a_file_to_finish(client: Client, core: Core) -> None:
    file = await submit(core)
    assert (await get(client, f"files/{file.id}?wait=0.1"))["status"] == "Waiting"
    waiting = asyncio.create_task(get(client, f"files/{file.id}?wait=50"))
    (claimed,) = await claim_all(core)
    await finish(core, claimed)
    answer = await waiting
    assert answer["status"] == "Ok"
    assert answer["outcome"] == "succeeded"


async def test_delete_and_retry(client: Client, core: Core) -> None:
    file = await submit(core)
    path = f"/api/v1/files/{file.id}"
    assert (await client.post(f"{path}/retry")).status_code == 409
    gone = await (await client.delete(path)).get_json()
    assert gone["status"] == "Canceled"
    again = await (await client.post(f"{path}/retry")).get_json()
    assert again["status"] == "Waiting"
    for call in (client.delete, client.get):
        response = await call("/api/v1/files/999999")
        assert response.status_code == 404
        assert (await response.get_json())["type"] == "urn:millrace:problem:not-found"


async def test_results_and_artifacts(client: Client, core: Core) -> None:
    file = await submit(core, "ünï.csv", b"0123456789")
    path = f"files/{file.id}"
    assert "no result" in (await get(client, f"{path}/result", 409))["detail"]
    (claimed,) = await claim_all(core)
    folder = core.storage.attempt_folder(file.id, 1)
    folder.mkdir()
    (folder / "out.txt").write_text("made")
    digest = hashlib.sha256(b"made").hexdigest()
    artifact = {
        "name": "out.txt",
        "title": "Out",
        "media_type": "text/plain",
        "size": 4,
        "sha256": digest,
    }
    await core.lifecycle.jobs.record_results(
        [end(claimed.job, artifacts=[artifact], result={"x": [1, None]})]
    )
    assert await get(client, f"{path}/result") == {"x": [1, None]}
    (shown,) = (await get(client, path))["artifacts"]
    made = await client.get(shown["url"])
    assert await made.get_data() == b"made"
    assert made.headers["ETag"] == f'"{digest}"'

    async def original(**headers: str) -> tuple[int, bytes, Any]:
        named = Headers({name.replace("_", "-"): text for name, text in headers.items()})
        response = await client.get(f"/api/v1/{path}/original", headers=named)
        data = await response.get_data()
        return response.status_code, data if isinstance(data, bytes) else b"", response.headers

    status, data, headers = await original()
    assert (status, data) == (200, b"0123456789")
    assert headers["ETag"] == f'"{file.sha256}"'
    assert "attachment" in headers["Content-Disposition"]
    assert "filename*=UTF-8''%C3%BCn%C3%AF.csv" in headers["Content-Disposition"]
    status, data, headers = await original(Range="bytes=2-4")
    assert (status, data, headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert (await original(Range="bytes=-3"))[:2] == (206, b"789")
    assert (await original(Range="bytes=50-"))[0] == 416
    assert (await original(If_None_Match=f'"{file.sha256}"'))[0] == 304
    assert (await original(Range="bytes=2-4", If_Range='"other"'))[:2] == (200, b"0123456789")
    assert (await original(Range="bytes=2-4", If_Range=f'"{file.sha256}"'))[0] == 206


async def test_handlers_limits_and_queue(client: Client, core: Core) -> None:
    schema = {"properties": {"seconds": {"type": "number"}}}
    info = HandlerInfo("emulate", "Emulate", "Burns.", schema)
    async with core.database.connect() as connection:
        await repository.upsert_handlers(connection, [info])
        await repository.upsert_worker(connection, WorkerInfo(name="h:1:a", slots=2, running=1))
    (handler,) = (await get(client, "handlers"))["handlers"]
    assert handler == {
        "name": "emulate",
        "title": "Emulate",
        "description": "Burns.",
        "options": schema,
    }
    limits = await get(client, "limits")
    assert limits["file_bytes"] == core.settings.max_upload_bytes
    assert limits["stored_bytes"] is None
    response = await put(client, "x.csv?handler=emulate&option.seconds=3&option.other=1")
    assert (await response.get_json())["file"]["options"] == {"seconds": "3"}
    first = await submit(core)
    (claimed, _) = await claim_all(core)
    queue = await get(client, "queue")
    assert (queue["waiting"], queue["running"]) == (0, 2)
    assert queue["oldest_seconds"] is None
    (worker,) = queue["workers"]
    assert (worker["name"], worker["slots"], worker["running"]) == ("h:1:a", 2, 1)
    await finish(core, claimed)
    await submit(core)

    async def ended() -> bool:
        queue = await get(client, "queue")
        return bool(queue["throughput"]["ended"] == {"Ok": 1} and queue["waiting"] == 1)

    await eventually(ended)
    assert first.id


async def limited(settings: Settings, **limits: Any) -> Quart:
    return create_app(settings.model_copy(update=limits))


async def test_limits_are_enforced(settings: Settings, core: Core) -> None:
    async def answers(app: Quart, size: int = 8, count: int = 1) -> list[tuple[int, str]]:
        async with app.test_app():
            client = app.test_client()
            headers = {"Content_Length": str(size)}
            sent = [await put(client, data=b"x" * size, **headers) for _ in range(count)]
            return [(a.status_code, a.headers.get("Retry-After", "")) for a in sent]

    megabyte = 1024 * 1024
    assert await answers(await limited(settings, max_upload_mb=1), megabyte + 1) == [(413, "")]
    stored = await limited(settings, max_stored_gb=1.5 / 1024)
    assert await answers(stored, megabyte, 2) == [(201, ""), (507, "")]
    unannounced = await limited(settings, max_stored_gb=1.5 / 1024)
    async with unannounced.test_app():
        client = unannounced.test_client()
        sent = [await put(client, data=b"x" * megabyte) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [507, 507]
    assert await answers(await limited(settings, max_queued=1)) == [(429, "30")]
    assert await answers(await limited(settings, max_uploads_at_once=0)) == [(429, "2")]
    rate = await answers(await limited(settings, max_requests_per_minute=2), 8, 3)
    assert [status for status, _ in rate] == [201, 201, 429]
    assert int(rate[-1][1]) > 0
    few = await limited(settings, max_files_per_request=2)
    async with few.test_app():
        status, text = await post(few.test_client(), *[csv_part()] * 3)
        assert status == 400
        assert "at most 2 files" in text
    assert not leftovers(core)


async def test_unknown_host_names_are_refused(settings: Settings) -> None:
    async def status(name: str, **limits: Any) -> int:
        app = await limited(settings, **limits)
        async with app.test_app():
            answer = await app.test_client().get("/api/v1/limits", headers={"Host": name})
            return answer.status_code

    for name in ("localhost:8000", "127.0.0.1", "[::1]:8000", "192.168.0.7"):
        assert await status(name) == 200
    assert await status("evil.example:8000") == 403
    assert await status("evil.example", host="0.0.0.0") == 200
    assert await status("mill.example", allowed_hosts="mill.example, other.example") == 200
    assert await status("evil.example", host="0.0.0.0", allowed_hosts="mill.example") == 403
    assert await status("evil.example", allowed_hosts="*") == 200


async def test_forms_of_browsers_without_scripts(client: Client) -> None:
    navigation = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    status, _ = await post(client, csv_part(), **navigation)
    assert status == 303
    status, text = await post(client, csv_part(kind="image/png"), **navigation)
    assert status == 415
    assert "<!doctype html>" in text
    assert "Back to the files" in text


async def test_a_client_that_disconnects_at_any_byte_leaves_nothing(
    client: Client, core: Core
) -> None:
    body = csv_part() + f"--{BOUNDARY}--\r\n".encode()
    headers = Headers({"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    for path in ("/processing_file/", "/api/v1/files"):
        for arrived in range(len(body)):
            async with client.request(path, method="POST", headers=headers) as connection:
                await connection.send(body[:arrived])
                await connection.disconnect()
    await eventually(lambda: not leftovers(core))
    assert (await get(client, "files"))["files"] == []


async def test_a_form_with_too_many_parts(client: Client) -> None:
    parts = [part("other", b"x", '; filename="x"')] * 200
    status, text = await post(client, *parts)
    assert status == 400
    assert "parts" in text


async def events_of(client: Client, query: str, until: str, **headers: str) -> str:
    text = ""
    async with client.request(f"/api/v1/events{query}", headers=headers) as connection:
        await connection.send_complete()
        async with asyncio.timeout(30):
            while until not in text:
                text += (await connection.receive()).decode()
        await connection.disconnect()
    return text


async def test_events_are_replayed_and_followed(client: Client, core: Core) -> None:
    first = await submit(core, "1.csv")
    start = await core.events.last_id()
    second = await submit(core, "2.csv")
    (claimed, _) = await claim_all(core)
    await finish(core, claimed)
    last = await core.events.last_id()
    everything = await events_of(client, "?last_event_id=0-0", f"id: {last}")
    ids = [line for line in everything.splitlines() if line.startswith("id: ")]
    stored = await core.events.range("0-0", 1000)
    assert ids == [f"id: {entry_id}" for entry_id, _ in stored]
    missed = await events_of(client, "", f"id: {last}", **{"Last-Event-ID": start})
    assert missed.count("id: ") == len(stored) - 1
    assert "event: gap" not in missed
    only = await events_of(
        client, f"?last_event_id=0-0&file={second.id}&type=status", '"Processing"'
    )
    assert f'"file_id": {first.id},' not in only
    following = asyncio.create_task(events_of(client, "", "Waiting"))

    async def announced() -> bool:
        await submit(core, "3.csv")
        return following.done()

    await eventually(announced)


async def test_expired_events_are_a_gap(client: Client, core: Core) -> None:
    await submit(core)
    text = await events_of(client, "?last_event_id=1500000000000-0", "Waiting")
    assert text.index("event: gap") < text.index("event: status")


async def test_selections_use_their_indexes(core: Core) -> None:
    await submit(core)
    async with core.database.connect() as connection:
        for sort in Sort:
            selection = Selection(statuses=frozenset(Status), search="a", sort=sort)
            page = await repository.list_files(connection, limit=1, selection=selection)
            assert len(page.files) == 1
        counts = await repository.count_files(connection)
    assert counts[Status.WAITING] == 1
    assert sum(counts.values()) == 1
