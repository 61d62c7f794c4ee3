"""Many clients that come and go while many jobs run: each sees every event, once, in order."""

import asyncio
import json
import random
import re

import httpx

from processing import repository
from processing.core import Core
from processing.states import Status
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
    """Read events in pieces of random length; return their ids in the order they came."""
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
                http.stream("GET", "/processing_file/listen-updates/", headers=headers) as response,
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
