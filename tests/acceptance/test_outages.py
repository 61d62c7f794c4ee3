"""Redis or PostgreSQL is unavailable: users see it, nothing crashes, everything resumes."""

from pathlib import Path

import pytest

from processing.broker import command_client
from processing.settings import Settings
from processing.states import Status
from tests.acceptance.conftest import Client
from tests.conftest import Servers, settings_on
from tests.programs import Programs

CSV = b"a,b\n1,2\n"


@pytest.fixture
def settings(own_servers: Servers, tmp_path: Path) -> Settings:
    return settings_on(own_servers, tmp_path, worker_slots=1, lease_seconds=2)


async def post(client: Client) -> tuple[int, str]:
    answer = await client.http.post(
        "/processing_file/", files={"file": ("a.csv", CSV, "text/csv")}, timeout=60
    )
    return answer.status_code, answer.text


async def says_on_the_stream(client: Client, words: str) -> None:
    url = "/processing_file/listen-updates/"
    async with client.http.stream("GET", url) as stream:
        async for line in stream.aiter_lines():
            if words in line:
                return


@pytest.mark.parametrize("service", ["Redis", "PostgreSQL"])
async def test_a_server_goes_away_and_comes_back(
    service: str, programs: Programs, client: Client, own_servers: Servers
) -> None:
    web, worker = programs.web(), programs.worker()
    running = await client.upload(CSV, handler="emulate", seconds=4)
    await client.runs(running)
    server = own_servers.valkey if service == "Redis" else own_servers.postgres
    server.kill()

    await says_on_the_stream(client, f"{service} is unavailable")
    ready = await client.http.get("/readyz", timeout=60)
    assert ready.status_code == 503
    checks = ready.json()["checks"]
    assert checks["redis" if service == "Redis" else "database"] == "away"
    page = await client.http.get("/", timeout=60)
    assert f"{service} is unavailable" in page.text
    if service == "PostgreSQL":
        problem = (await client.http.get("/api/v1/files", timeout=60)).json()
        assert problem["type"] == "urn:millrace:problem:database-away"
    status, text = await post(client)
    assert status == 503
    assert f"{service} is unavailable" in text
    assert not list((programs.settings.media_root / "partial").iterdir())

    server.start()

    after = await client.upload_when_ready(CSV)
    file = await client.ends(running)
    assert (file.status, file.attempt) == (Status.OK, 1), file.message
    assert (await client.ends(after)).status == Status.OK
    assert web.process.poll() is None
    assert worker.process.poll() is None
    assert "Traceback" not in web.log, web.log
    assert "Traceback" not in worker.log, worker.log


async def test_redis_is_flushed_on_a_server_of_its_own(
    programs: Programs, client: Client, own_servers: Servers
) -> None:
    programs.web()
    programs.worker()
    running = await client.upload(CSV, handler="emulate", seconds=3)
    waiting = [await client.upload(CSV) for _ in range(10)]
    await client.runs(running)
    redis = command_client(own_servers.valkey.url)
    await redis.flushall()
    for file_id in (running, *waiting):
        file = await client.ends(file_id)
        assert (file.status, file.attempt) == (Status.OK, 1)
    assert await redis.xlen("millrace:jobs") == 0
    await redis.aclose()


async def test_a_cancel_while_redis_is_away_takes_effect(
    programs: Programs, client: Client, own_servers: Servers
) -> None:
    programs.web()
    programs.worker()
    running = await client.upload(CSV, handler="emulate", seconds=600)
    await client.runs(running)
    own_servers.valkey.kill()
    answer = await client.http.delete(f"/processing_file/{running}/", timeout=60)
    assert answer.status_code == 200
    own_servers.valkey.start()
    after = await client.upload_when_ready(CSV)
    assert (await client.ends(after)).status == Status.OK  # the only slot is free again
    assert (await client.file(running)).status == Status.CANCELED
