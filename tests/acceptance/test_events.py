"""Many clients that come and go while many jobs run: each sees every event, once, in order."""

import asyncio
import json
import random
import re
import socket

import httpx

from processing import repository
from processing.core import Core
from processing.states import Status
from tests.acceptance.conftest import Client
from tests.conftest import eventually
from tests.programs import Programs

CLIENTS, JOBS = 200, 2000
MOST_SECONDS_CONNECTED = 3.0


async def test_two_hundred_clients_that_drop_and_return_miss_nothing(
    programs: Programs, core: Core
) -> None:
    programs.worker()
    programs.web()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=programs.address, limits=limits, timeout=httpx.Timeout(60)
    ) as http:
        draw = random.Random(11)
        ended = asyncio.Event()
        followers = [
            asyncio.create_task(follow(http, random.Random(draw.random()), ended))
            for _ in range(CLIENTS // 2)
        ]
        watchers = [
            asyncio.create_task(watch(http, random.Random(draw.random()), ended))
            for _ in range(CLIENTS // 2)
        ]
        await send_jobs(http)
        await eventually(lambda: all_ok(core), 180)
        last = await core.events.last_id()
        ended.set()
        stored = [entry_id for entry_id, _ in await everything(core)]
        for task in followers:
            assert await task == stored
        tables = {await task for task in watchers}
        fresh = (await http.get("/")).text
        assert tables == {names_and_states(fresh)}
        assert stored[-1] == last


LISTEN = "/processing_file/listen-updates/"
TABLE = b"event: handlingStatusChanged\n"
SLEEPERS, TABLES = 5, 100


async def test_a_client_that_does_not_read_finds_the_newest_table(
    programs: Programs, client: Client
) -> None:
    programs.web()
    for number in range(50):
        await client.upload(b"a\n1\n", f"{number:-<240}.csv")
    streams = [await listening(programs) for _ in range(SLEEPERS + 1)]
    awake = streams[0][0]
    seen = bytearray()
    # More than the buffers of the kernel hold; every cancelling changes the table.
    for file_id in range(1, 51):
        for method, path in (("DELETE", ""), ("POST", "/retry")):
            tables = seen.count(TABLE)
            answer = await client.http.request(method, f"/api/v1/files/{file_id}{path}")
            assert answer.is_success, answer.text
            async with asyncio.timeout(20):
                while seen.count(TABLE) == tables:
                    seen += await awake.read(1 << 20)
    for file_id in (7, 8):
        await client.http.delete(f"/api/v1/files/{file_id}")
    for reader, writer in streams:
        found = seen if reader is awake else bytearray()
        async with asyncio.timeout(60):
            while found.rpartition(TABLE)[2].count(b'data-status="Canceled"') < 2:
                found += await reader.read(1 << 20)
        assert found.count(TABLE) >= 2
        if reader is not awake:
            assert found.count(TABLE) < seen.count(TABLE) / 2
        writer.close()
    assert seen.count(TABLE) >= TABLES


async def listening(programs: Programs) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream of tables; what is not read stays with the server but for a few kilobytes."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    address = programs.settings.host, programs.settings.port
    await asyncio.get_running_loop().sock_connect(narrow, address)
    reader, writer = await asyncio.open_connection(sock=narrow, limit=4096)
    writer.write(f"GET {LISTEN} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return reader, writer


async def send_jobs(http: httpx.AsyncClient) -> None:
    left = list(range(JOBS))

    async def one() -> None:
        while left:
            number = left.pop()
            parameters = {"handler": "emulate", "option.seconds": "0"}
            answer = await http.put(
                f"/api/v1/files/{number}.csv", content=b"a\n1\n", params=parameters
            )
            assert answer.status_code == 201, answer.text

    await asyncio.gather(*(one() for _ in range(8)))


async def all_ok(core: Core) -> bool:
    async with core.database.connect() as connection:
        return (await repository.count_files(connection))[Status.OK] == JOBS


async def everything(core: Core) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    cursor = "0-0"
    while page := await core.events.range(cursor, 1000):
        found += page
        cursor = page[-1][0]
    return found


async def follow(http: httpx.AsyncClient, draw: random.Random, ended: asyncio.Event) -> list[str]:
    """Read events in chunks of random length; return their ids in the order they came."""
    ids: list[str] = []
    while True:
        final = ended.is_set()
        seconds = MOST_SECONDS_CONNECTED if final else draw.uniform(0, MOST_SECONDS_CONNECTED)
        headers = {"Last-Event-ID": ids[-1]} if ids else {}
        parameters = {} if ids else {"last_event_id": "0-0"}
        before = len(ids)
        try:
            async with (
                asyncio.timeout(seconds),
                http.stream(
                    "GET", "/api/v1/events", headers=headers, params=parameters
                ) as response,
            ):
                event: dict[str, str] = {}
                async for line in response.aiter_lines():
                    name, _, value = line.partition(": ")
                    event[name] = value
                    if not line:
                        if "data" in event:
                            assert event["event"] != "gap"
                            json.loads(event["data"])
                            ids.append(event["id"])
                        event = {}
        except TimeoutError:
            pass
        if final and len(ids) == before:
            return ids


async def watch(http: httpx.AsyncClient, draw: random.Random, ended: asyncio.Event) -> str:
    """Look at the table in the same way; return the last one."""
    table, last_id = "", ""
    while True:
        final = ended.is_set()
        seconds = MOST_SECONDS_CONNECTED if final else draw.uniform(0, MOST_SECONDS_CONNECTED)
        headers = {"Last-Event-ID": last_id} if last_id else {}
        try:
            async with (
                asyncio.timeout(seconds),
                http.stream("GET", LISTEN, headers=headers) as response,
            ):
                event, data = "", list[str]()
                async for line in response.aiter_lines():
                    name, _, value = line.partition(":")
                    if name == "event":
                        event, data = value.strip(), []
                    elif name == "data":
                        data.append(value)
                    elif name == "id":
                        last_id = value.strip()
                    elif not line and event == "handlingStatusChanged":
                        table = "\n".join(data)
        except TimeoutError:
            pass
        if final:
            return names_and_states(table)


def names_and_states(page: str) -> str:
    """What a table says of its files."""
    rows = re.findall(r'<tr id="(file-\d+)" class="[^"]*" data-status="(\w+)"', page)
    assert rows
    return json.dumps(rows)
