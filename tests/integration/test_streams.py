"""What workers do with the streams and with a database that refuses, one command at a time."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from processing.core import Core
from processing.errors import DatabaseUnavailable, StreamLost
from processing.jobs import GROUP
from processing.repository import ProgressReport
from processing.settings import Settings
from processing.stream_reader import START
from standalone.services import free_port
from tests.integration.steps import ME, OTHER, claim_all, finish, submit, take

HOUR = 3600.0


async def age(core: Core, consumer: str, entry_ids: list[str]) -> None:
    """Make these deliveries look as if nobody had renewed them for two hours."""
    for entry_id in entry_ids:
        await core.commands.xclaim(
            core.keys.jobs, GROUP, consumer, 0, [entry_id], idle=int(2000 * HOUR), justid=True
        )


async def test_a_delivery_that_is_renewed_cannot_be_reclaimed(core: Core) -> None:
    kept, lost = [await submit(core), await submit(core)]
    held = {item.job.id: item.delivery.entry_id for item in await claim_all(core)}
    await age(core, ME, list(held.values()))
    await core.jobs.renew(ME, [held[kept.id]])
    reclaimed = await core.jobs.reclaim(OTHER, HOUR, 10)
    assert [(each.entry_id, each.file_id) for each in reclaimed] == [(held[lost.id], lost.id)]
    assert [each.entry_id for each in await core.jobs.pending_of(ME)] == [held[kept.id]]
    assert [each.entry_id for each in await core.jobs.pending_of(OTHER)] == [held[lost.id]]
    pending = await core.commands.xpending_range(core.keys.jobs, GROUP, "-", "+", 10)
    # Renewing is no delivery; reclaiming is one.
    assert [each["times_delivered"] for each in pending] == [1, 2]


async def test_no_more_is_reclaimed_than_was_asked_for(core: Core) -> None:
    for _ in range(3):
        await submit(core)
    held = [item.delivery.entry_id for item in await claim_all(core)]
    await age(core, ME, held)
    assert len(await core.jobs.reclaim(OTHER, HOUR, 2)) == 2
    assert len(await core.jobs.reclaim(OTHER, HOUR, 2)) == 1


async def test_a_worker_that_leaves_gives_its_deliveries_to_others(core: Core) -> None:
    files = [await submit(core) for _ in range(2)]
    await core.jobs.ensure_group()
    mine = await core.jobs.read(ME, 10)
    assert [each.file_id for each in mine] == [file.id for file in files]
    await core.lifecycle.jobs.release_deliveries(ME)
    consumers = await core.commands.xinfo_consumers(core.keys.jobs, GROUP)
    assert consumers == []
    theirs = await core.jobs.read(OTHER, 10)
    assert [each.file_id for each in theirs] == [file.id for file in files]
    assert [each.fields["handler"] for each in theirs] == ["profile", "profile"]
    assert await core.commands.xlen(core.keys.jobs) == 2
    # The index knows the new entries: their end leaves nothing behind.
    for claimed in await take(core, theirs, OTHER):
        await finish(core, claimed)
    assert await core.commands.xlen(core.keys.jobs) == 0


async def test_a_lost_stream_is_distinguished_from_an_empty_one(core: Core) -> None:
    await core.jobs.renew(ME, [])  # nothing to renew, nothing to ask
    with pytest.raises(StreamLost):
        await core.jobs.read(ME, 1)
    with pytest.raises(StreamLost):
        await core.jobs.reclaim(ME, 0, 1)
    with pytest.raises(StreamLost):
        await core.jobs.renew(ME, ["1-1"])
    with pytest.raises(StreamLost):
        await core.jobs.pending_of(ME)
    with pytest.raises(StreamLost):
        await core.jobs.leave_group(ME)
    assert await core.jobs.ensure_group()
    assert not await core.jobs.ensure_group()
    assert await core.jobs.reclaim(ME, 0, 1) == []
    assert await core.jobs.pending_of(ME) == []


async def test_cancellations_are_read_in_order_and_once(core: Core) -> None:
    waiting, running = [await submit(core), await submit(core)]
    await core.lifecycle.files.delete(waiting.id)
    await claim_all(core)
    await core.lifecycle.files.delete(running.id)
    found = await core.cancellations.read(START)
    assert [each[1:] for each in found] == [(waiting.id, 0), (running.id, 1)]
    assert await core.cancellations.read(found[0][0]) == found[1:]
    assert await core.cancellations.last_id() == found[-1][0]
    assert await core.cancellations.holds(found[0][0])
    assert not await core.cancellations.holds("1-1")


async def test_progress_is_an_event_until_the_result_is_announced(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    report = ProgressReport(file.id, claimed.job.attempt, 0.25, "reading")
    await core.lifecycle.jobs.progress([report])
    await finish(core, claimed)
    await core.lifecycle.jobs.progress([report._replace(progress=0.5)])
    events = [event for _, event in await core.events.read(START) if event]
    (progress,) = [event for event in events if event.type == "progress"]
    assert (progress.file_id, progress.attempt) == (file.id, 1)
    assert (float(progress.progress), progress.stage) == (0.25, "reading")


async def test_a_dead_letter_keeps_what_it_was(core: Core) -> None:
    await core.jobs.ensure_group()
    entry_id = await core.commands.xadd(core.keys.jobs, {"hello": "world"})
    (delivery,) = await core.jobs.read(ME, 1)
    assert delivery.file_id is None
    await core.jobs.dead_letter(delivery, "makes no sense")
    letters: Any = await core.commands.xrange(core.keys.dead_letters)
    ((_, letter),) = letters
    assert letter == {"hello": "world", "entry_id": entry_id, "reason": "makes no sense"}
    assert await core.jobs.pending_of(ME) == []
    assert await core.commands.xlen(core.keys.jobs) == 0


async def test_a_database_that_cannot_be_reached_is_unavailable(settings: Settings) -> None:
    nobody = f"postgresql://millrace:x@127.0.0.1:{free_port()}/millrace"
    core = Core(settings.model_copy(update={"database_url": nobody}))
    with pytest.raises(DatabaseUnavailable):
        async with core.database.connect():
            pass
    with pytest.raises(DatabaseUnavailable):
        await core.database.dedicated().fetch("SELECT 1")
    await core.close()


END = "SELECT pg_terminate_backend(pg_backend_pid())"


async def test_a_connection_that_was_ended_is_unavailable_and_replaced(core: Core) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with core.database.connect() as connection:
            await connection.execute(text(END))
    async with core.database.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
    dedicated = core.database.dedicated()
    with pytest.raises(DatabaseUnavailable):
        await dedicated.fetch(END)
    assert [tuple(row) for row in await dedicated.fetch("SELECT $1::jsonb", {"a": 1})] == [
        ({"a": 1},)
    ]


@pytest.mark.parametrize("statement", ["SELECT 1 / 0", "SELECT pg_sleep(600)"])
async def test_a_statement_that_fails_is_no_fault_of_the_server(core: Core, statement: str) -> None:
    async def run() -> None:
        async with core.database.connect() as connection:
            await connection.execute(text("SET statement_timeout = '50ms'"))
            await connection.execute(text(statement))

    with pytest.raises(DBAPIError):
        await run()
