"""Resumable uploads: the tus protocol on real servers, without a worker."""

import asyncio
import base64
import hashlib
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as fuzzing
from hypothesis import strategies as st
from quart.typing import TestClientProtocol as Client
from sqlalchemy import text
from werkzeug.datastructures import Headers

from processing import recovery, repository
from processing.core import Core
from processing.settings import Settings
from quart_app.app import create_app

CSV = b"a,b\n" + b"1,2\n" * 100
HERE = "/api/v1/uploads"


def metadata(**fields: str) -> str:
    coded = {key: base64.b64encode(value.encode()).decode() for key, value in fields.items()}
    return ",".join(f"{key} {value}" for key, value in coded.items())


async def call(client: Client, method: str, path: str, data: bytes = b"", **headers: Any) -> Any:
    named = {"Tus-Resumable": "1.0.0", **{k.replace("_", "-"): v for k, v in headers.items()}}
    sent = Headers({name: value for name, value in named.items() if value})
    function = getattr(client, method.lower())
    return await function(path, data=data, headers=sent)


async def create(client: Client, length: int = len(CSV), **headers: str) -> Any:
    more: dict[str, Any] = {"Upload_Metadata": metadata(filename="big.csv"), **headers}
    return await call(client, "POST", HERE, **{"Upload_Length": str(length), **more})


async def patch(client: Client, path: str, offset: int, data: bytes, **headers: str) -> Any:
    kind = "application/offset+octet-stream"
    more = {"Content_Type": kind, "Upload_Offset": str(offset), **headers}
    return await call(client, "PATCH", path, data, **more)


async def begun(client: Client, length: int = len(CSV), **headers: str) -> str:
    response = await create(client, length, **headers)
    assert response.status_code == 201, await response.get_data(as_text=True)
    return str(response.headers["Location"])


async def offset_of(client: Client, path: str) -> int:
    response = await call(client, "HEAD", path)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    return int(response.headers["Upload-Offset"])


def kept(core: Core) -> list[Path]:
    return list((core.settings.media_root / "resumable").iterdir())


async def files(core: Core) -> list[Any]:
    async with core.database.connect() as connection:
        return (await repository.list_files(connection, limit=100)).files


async def test_the_server_announces_its_features(client: Client) -> None:
    response = await client.options(HERE)
    assert response.status_code == 204
    assert response.headers["Tus-Version"] == "1.0.0"
    assert "creation-with-upload" in response.headers["Tus-Extension"]
    assert int(response.headers["Tus-Max-Size"]) > 0


async def test_chunks_become_a_file(client: Client, core: Core) -> None:
    path = await begun(client)
    assert await offset_of(client, path) == 0
    response = await patch(client, path, 0, CSV[:100])
    assert (response.status_code, response.headers["Upload-Offset"]) == (204, "100")
    assert "Millrace-File" not in response.headers
    assert await files(core) == []
    response = await patch(client, path, 100, CSV[100:])
    assert response.status_code == 204
    (file,) = await files(core)
    assert response.headers["Millrace-File"] == str(file.id)
    assert (file.name, file.size) == ("big.csv", len(CSV))
    assert file.sha256 == hashlib.sha256(CSV).hexdigest()
    assert core.storage.original(file.id).read_bytes() == CSV
    assert kept(core) == []
    # A client that missed the response asks again, which creates no second file.
    response = await call(client, "HEAD", path)
    assert response.headers["Upload-Offset"] == str(len(CSV))
    assert response.headers["Millrace-File"] == str(file.id)
    assert (await patch(client, path, len(CSV), b"")).status_code == 409
    assert len(await files(core)) == 1
    assert await core.commands.xlen(core.keys.jobs) == 1


async def test_a_creation_may_carry_the_first_chunk(client: Client, core: Core) -> None:
    response = await call(
        client,
        "POST",
        HERE,
        CSV,
        Upload_Length=str(len(CSV)),
        Upload_Metadata=metadata(filename="small.csv", filetype="text/csv", handler="profile"),
        Content_Type="application/offset+octet-stream",
    )
    assert response.status_code == 201
    assert response.headers["Upload-Offset"] == str(len(CSV))
    (file,) = await files(core)
    assert response.headers["Millrace-File"] == str(file.id)


async def test_an_upload_resumes_after_a_restart_of_web(
    settings: Settings, client: Client, core: Core
) -> None:
    path = await begun(client)
    await patch(client, path, 0, CSV[:150])
    restarted = create_app(settings)
    async with restarted.test_app():
        later = restarted.test_client()
        assert await offset_of(later, path) == 150
        assert (await patch(later, path, 150, CSV[150:])).status_code == 204
    (file,) = await files(core)
    assert file.sha256 == hashlib.sha256(CSV).hexdigest()


REFUSED: dict[str, tuple[dict[str, str], int]] = {
    "no length": ({"Upload_Length": ""}, 400),
    "a length that is none": ({"Upload_Length": "-5"}, 400),
    "a length of 40 digits": ({"Upload_Length": "9" * 40}, 400),
    "too large": ({"Upload_Length": str(2**50)}, 413),
    "empty": ({"Upload_Length": "0"}, 422),
    "no name": ({"Upload_Metadata": ""}, 400),
    "a name with a line end": ({"Upload_Metadata": metadata(filename="a\nb")}, 400),
    "metadata that is no base64": ({"Upload_Metadata": "filename ???"}, 400),
    "endless metadata": ({"Upload_Metadata": metadata(filename="x" * 9000)}, 400),
    "another type": ({"Upload_Metadata": metadata(filename="a", filetype="image/png")}, 415),
    "unknown handler": ({"Upload_Metadata": metadata(filename="a", handler="?")}, 422),
    "deferred length": ({"Upload_Defer_Length": "1"}, 400),
    "another version": ({"Tus_Resumable": "0.9"}, 412),
    "an endless key": ({"Idempotency_Key": "k" * 300}, 400),
    "a checksum of no kind": ({"Upload_Checksum": "crc x"}, 400),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_invalid_creations_are_refused(client: Client, core: Core, what: str) -> None:
    headers, status = REFUSED[what]
    sent: dict[str, Any] = {
        "Upload_Length": "8",
        "Upload_Metadata": metadata(filename="a.csv"),
        **headers,
    }
    response = await call(client, "POST", HERE, **sent)
    assert response.status_code == status
    assert response.headers["Tus-Resumable"] == "1.0.0"
    assert response.content_type == "application/problem+json"
    assert (await response.get_json())["detail"]
    assert kept(core) == []


async def test_invalid_chunks_are_refused(client: Client, core: Core) -> None:
    path = await begun(client)
    await patch(client, path, 0, CSV[:100])
    assert (await patch(client, path, 50, CSV[50:])).status_code == 409
    assert (await patch(client, path, 101, CSV[101:])).status_code == 409
    assert (await patch(client, path, 2**60, CSV)).status_code == 409
    too_much = CSV[100:] + b"more"
    announced = {"Content_Length": str(len(too_much))}
    assert (await patch(client, path, 100, too_much, **announced)).status_code == 413
    assert await offset_of(client, path) == 100
    assert (await patch(client, path, 100, b"x", Content_Type="text/csv")).status_code == 415
    assert (await patch(client, path, 100, b"x", Upload_Offset="x")).status_code == 400
    assert (await patch(client, path, 100, b"x", Tus_Resumable="2")).status_code == 412
    assert (await patch(client, path, 100, CSV[100:])).status_code == 204
    assert (await files(core))[0].sha256 == hashlib.sha256(CSV).hexdigest()


async def test_bytes_beyond_the_announced_length_are_refused(client: Client, core: Core) -> None:
    path = await begun(client)
    assert (await patch(client, path, 0, CSV + b"more")).status_code == 413
    assert await files(core) == []
    assert await offset_of(client, path) <= len(CSV)


@pytest.mark.parametrize("kind", ["sha256", "sha1", "md5"])
async def test_checksums(client: Client, core: Core, kind: str) -> None:
    path = await begun(client)

    def checksum(data: bytes) -> str:
        return f"{kind} {base64.b64encode(hashlib.new(kind, data).digest()).decode()}"

    good = await patch(client, path, 0, CSV[:100], Upload_Checksum=checksum(CSV[:100]))
    assert good.status_code == 204
    bad = await patch(client, path, 100, CSV[100:], Upload_Checksum=checksum(b"other"))
    assert bad.status_code == 460
    assert await offset_of(client, path) == 100
    rest = await patch(client, path, 100, CSV[100:], Upload_Checksum=checksum(CSV[100:]))
    assert rest.status_code == 204
    assert (await files(core))[0].sha256 == hashlib.sha256(CSV).hexdigest()


async def test_a_file_that_is_no_csv_terminates_the_upload(client: Client, core: Core) -> None:
    path = await begun(client, 1000)
    response = await patch(client, path, 0, b"%PDF-1.7" + b"x" * 992)
    assert response.status_code == 415
    assert "PDF" in (await response.get_json())["detail"]
    assert (await call(client, "HEAD", path)).status_code == 404
    assert kept(core) == []


async def test_terminating_an_upload(client: Client, core: Core) -> None:
    path = await begun(client)
    await patch(client, path, 0, CSV[:10])
    assert (await call(client, "DELETE", path)).status_code == 204
    assert kept(core) == []
    for method in ("HEAD", "DELETE"):
        assert (await call(client, method, path)).status_code == 404
    assert (await patch(client, path, 10, CSV[10:])).status_code == 404
    path = await begun(client)
    assert (await call(client, "POST", path, X_HTTP_Method_Override="DELETE")).status_code == 204
    assert (await call(client, "POST", path)).status_code == 405


async def test_an_upload_belongs_to_the_browser_that_started_it(client: Client) -> None:
    path = await begun(client, Cookie="millrace_owner=one")
    mine = await call(client, "HEAD", path, Cookie="millrace_owner=one")
    assert mine.status_code == 200
    for cookie in ("", "millrace_owner=two"):
        assert (await call(client, "HEAD", path, Cookie=cookie)).status_code == 404
        assert (await patch(client, path, 0, CSV, Cookie=cookie)).status_code == 404
        assert (await call(client, "DELETE", path, Cookie=cookie)).status_code == 404


async def test_a_repeated_creation_returns_the_same_upload(client: Client) -> None:
    path = await begun(client, Idempotency_Key="k")
    await patch(client, path, 0, CSV[:50])
    again = await create(client, Idempotency_Key="k")
    assert again.headers["Location"] == path
    assert again.headers["Upload-Offset"] == "50"
    assert (await create(client, 7, Idempotency_Key="k")).status_code == 422


async def test_a_dead_connection_does_not_block_a_resume(client: Client, core: Core) -> None:
    path = await begun(client)
    headers = Headers(
        {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(len(CSV)),
        }
    )
    async with client.request(path, method="PATCH", headers=headers) as connection:
        # A chunk arrives, then nothing: the client is gone, but its connection is still open.
        await connection.send(CSV[:60])
        async with asyncio.timeout(20):
            # If the first request starts only after our HEAD, the protocol has the client send
            # HEAD again.
            while (second := await patch_from(client, path)) == 409:
                pass
        assert second == 204
        await connection.disconnect()
    (file,) = await files(core)
    assert file.sha256 == hashlib.sha256(CSV).hexdigest()


async def patch_from(client: Client, path: str) -> int:
    offset = await offset_of(client, path)
    return int((await patch(client, path, offset, CSV[offset:])).status_code)


async def test_concurrent_appends_at_the_same_offset(client: Client, core: Core) -> None:
    path = await begun(client)
    both = await asyncio.gather(*(patch(client, path, 0, CSV) for _ in range(2)))
    # The other one came too late, or was asked to release the lock.
    assert {response.status_code for response in both} <= {204, 404, 409, 423}
    head = await call(client, "HEAD", path)
    if "Millrace-File" not in head.headers:
        assert await patch_from(client, path) == 204
    (file,) = await files(core)
    assert file.sha256 == hashlib.sha256(CSV).hexdigest()


async def test_a_client_that_disconnects_loses_no_received_bytes(
    client: Client, core: Core
) -> None:
    path = await begun(client)
    headers = Headers(
        {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        }
    )
    async with client.request(path, method="PATCH", headers=headers) as connection:
        await connection.send(CSV[:60])
        await connection.disconnect()
    assert await offset_of(client, path) == 60
    assert (await patch(client, path, 60, CSV[60:])).status_code == 204


async def test_a_complete_upload_becomes_a_file_later_if_that_failed(
    client: Client, core: Core
) -> None:
    path = await begun(client)
    connection = core.database.dedicated()
    await connection.fetch("ALTER TABLE processing_file RENAME TO hidden")
    response = await patch(client, path, 0, CSV)
    assert response.status_code == 500
    await connection.fetch("ALTER TABLE hidden RENAME TO processing_file")
    response = await call(client, "HEAD", path)
    (file,) = await files(core)
    assert response.headers["Millrace-File"] == str(file.id)
    assert file.sha256 == hashlib.sha256(CSV).hexdigest()


async def test_uploads_expire(client: Client, core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "CLEAN_UP_PAUSE_FACTOR", 0)
    path, other = await begun(client), await begun(client)
    await patch(client, path, 0, CSV[:10])
    async with core.database.connect() as connection:
        statement = text("UPDATE upload SET expires_at = now() - interval '1 s' WHERE id = :id")
        await connection.execute(statement, {"id": path.rpartition("/")[2]})
    assert (await call(client, "HEAD", path)).status_code == 404
    await core.recovery.clean_up()
    assert len(kept(core)) == 2, "one that is written to is not taken away under its writer"
    for upload in kept(core):  # nobody has written for long; one of them may still come back
        os.utime(upload, (0, 0))
    stray = core.settings.media_root / "resumable" / ("0" * 32)
    stray.touch()
    os.utime(stray, (0, 0))
    await core.recovery.clean_up()
    assert [p.name for p in kept(core)] == [other.rpartition("/")[2]]
    assert await offset_of(client, other) == 0


async def test_a_get_does_not_take_the_lock(client: Client) -> None:
    path = await begun(client)
    await patch(client, path, 0, CSV[:10])
    shown = await (await client.get(path)).get_json()
    assert (shown["offset"], shown["length"], shown["file_id"]) == (10, len(CSV), None)
    for bad in ("x", "0" * 32, "..%2f..", "%00"):
        assert (await call(client, "HEAD", f"{HERE}/{bad}")).status_code == 404
        assert (await client.get(f"{HERE}/{bad}")).status_code == 404


async def test_a_slow_upload_is_closed_and_keeps_what_it_received(
    settings: Settings, core: Core
) -> None:
    app = create_app(settings.model_copy(update={"slow_upload_seconds": 0.2}))
    async with app.test_app():
        client = app.test_client()
        path = await begun(client)
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        }
        async with client.request(path, method="PATCH", headers=Headers(headers)) as connection:
            await connection.send(CSV[:60])
            assert b"too slow" in await asyncio.wait_for(connection.receive(), timeout=20)
            assert (await connection.as_response()).status_code == 408
            await connection.disconnect()
        assert await offset_of(client, path) == 60
        put = client.request("/api/v1/files/slow.csv", method="PUT")
        async with put as connection:
            await connection.send(b"a,b\n")
            assert b"too slow" in await asyncio.wait_for(connection.receive(), timeout=20)
            assert (await connection.as_response()).status_code == 408
            await connection.disconnect()
        assert not list((core.settings.media_root / "partial").iterdir())


step = st.one_of(
    st.tuples(st.just("chunk"), st.integers(0, 120), st.integers(-3, 3)),
    st.tuples(st.just("head"), st.just(0), st.just(0)),
    st.tuples(st.just("hang up"), st.integers(1, 80), st.just(0)),
    st.tuples(st.just("bad checksum"), st.integers(1, 80), st.just(0)),
)


@fuzzing(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(step, max_size=8))
async def test_whatever_a_client_does_the_bytes_are_right(
    client: Client, core: Core, steps: list[tuple[str, int, int]]
) -> None:
    path = await begun(client)
    for kind, size, shift in steps:
        offset = await offset_of(client, path)
        chunk = CSV[offset : offset + size]
        match kind:
            case "chunk":
                response = await patch(client, path, offset + shift, chunk)
                expected = 204 if shift == 0 else 409 if offset + shift >= 0 else 400
                assert response.status_code in (expected, 409 if offset == len(CSV) else expected)
            case "hang up":
                await cut(client, path, offset, chunk)
            case "bad checksum" if offset < len(CSV):
                response = await patch(client, path, offset, chunk, Upload_Checksum="md5 eA==")
                assert response.status_code == 460
                assert await offset_of(client, path) == offset
    offset = await offset_of(client, path)
    if offset < len(CSV):
        assert (await patch(client, path, offset, CSV[offset:])).status_code == 204
    head = await call(client, "HEAD", path)
    file_id = int(head.headers["Millrace-File"])
    assert core.storage.original(file_id).read_bytes() == CSV


async def cut(client: Client, path: str, offset: int, chunk: bytes) -> None:
    headers: Mapping[str, str] = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
    }
    async with client.request(path, method="PATCH", headers=Headers(headers)) as connection:
        await connection.send(chunk)
        await connection.disconnect()


def test_a_day_is_enough_to_resume(settings: Settings) -> None:
    assert timedelta(hours=settings.upload_hours).total_seconds() > recovery.PARTIAL_SECONDS
