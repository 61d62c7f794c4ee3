"""Connections to PostgreSQL that died: found before they are lent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from processing.database import Database
from processing.errors import DatabaseUnavailable
from tests.conftest import Servers, settings_on

SIZE = 4


async def fill(database: Database) -> list[int]:
    """Open every connection of the pool and return them; the backends' process ids."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(database.connect()) for _ in range(SIZE)]
        statement = text("SELECT pg_backend_pid()")
        return [(await connection.execute(statement)).scalar_one() for connection in opened]


async def answers(database: Database) -> int:
    async with database.connect() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())


async def terminate(dsn: str, pids: list[int]) -> None:
    """End these backends and wait until their processes are gone."""
    killer = await asyncpg.connect(dsn.replace("+asyncpg", ""))
    await killer.execute("SELECT pg_terminate_backend(pid, 10000) FROM unnest($1::int[]) pid", pids)
    await killer.close()


@pytest.fixture
async def dsn(servers: Servers, tmp_path: Path) -> str:
    return settings_on(servers, tmp_path).database_dsn


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    opened = Database(dsn, size=SIZE)
    yield opened
    await opened.close()


async def test_a_connection_whose_backend_was_terminated_is_never_lent(
    dsn: str, database: Database
) -> None:
    pids = await fill(database)
    await terminate(dsn, pids)
    assert [await answers(database) for _ in range(2 * SIZE)] == [1] * 2 * SIZE
    assert not set(await fill(database)) & set(pids)


async def test_one_dead_connection_replaces_the_whole_pool(dsn: str, database: Database) -> None:
    pids = await fill(database)
    await terminate(dsn, pids[-1:])  # the one that was returned first is lent first
    assert await answers(database) == 1
    assert not set(await fill(database)) & set(pids)


async def test_a_connection_that_dies_in_use_fails_once(dsn: str, database: Database) -> None:
    pids = await fill(database)
    failures = 0
    try:
        async with database.connect() as connection:
            await terminate(dsn, pids)
            await connection.execute(text("SELECT 1"))
    except DatabaseUnavailable:
        failures += 1
    for _ in range(2 * SIZE):
        try:
            await answers(database)
        except DatabaseUnavailable:
            failures += 1
    assert failures == 1


async def test_every_checkout_after_a_restart_works(own_servers: Servers, tmp_path: Path) -> None:
    database = Database(settings_on(own_servers, tmp_path).database_dsn, size=SIZE)
    dedicated = database.dedicated()
    for end in (own_servers.postgres.stop, own_servers.postgres.kill):
        await fill(database)
        await dedicated.fetch("SELECT 1")
        # These block, so that the event loop has no chance to notice the closed connections.
        end()
        own_servers.postgres.start()
        assert await asyncio.gather(*(answers(database) for _ in range(3 * SIZE))) == [1] * 12
        assert (await dedicated.fetch("SELECT 1"))[0][0] == 1
    await database.close()


async def test_a_dedicated_connection_outlives_its_backend(dsn: str, database: Database) -> None:
    dedicated = database.dedicated()
    pid = (await dedicated.fetch("SELECT pg_backend_pid()"))[0][0]
    await terminate(dsn, [pid])
    assert (await dedicated.fetch("SELECT pg_backend_pid()"))[0][0] != pid


async def test_live_connections_are_kept_although_they_were_idle(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processing.database.PING_AFTER_SECONDS", -1.0)
    dedicated = database.dedicated()
    pids = [(await dedicated.fetch("SELECT pg_backend_pid()"))[0][0] for _ in range(2)]
    assert pids[0] == pids[1]
    assert set(await fill(database)) == set(await fill(database))


async def test_a_server_that_is_stopped_is_unavailable(
    own_servers: Servers, tmp_path: Path
) -> None:
    database = Database(settings_on(own_servers, tmp_path).database_dsn, size=SIZE)
    dedicated = database.dedicated()
    await dedicated.fetch("SELECT 1")
    await fill(database)
    own_servers.postgres.stop()
    with pytest.raises(DatabaseUnavailable):
        await answers(database)
    with pytest.raises(DatabaseUnavailable):
        await dedicated.fetch("SELECT 1")
    await database.close()
