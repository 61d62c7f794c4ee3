"""Rebuilding the queue after Redis lost its data, and cleaning up."""

import socket
from typing import Any

import pytest
from sqlalchemy import text

from processing import recovery, repository
from processing.broker import command_client
from processing.core import Core
from processing.outbox import Outbox
from processing.settings import Settings
from processing.states import (
    Status,
)
from processing.stream_keys import StreamKeys
from tests.conftest import eventually
from tests.integration.steps import (
    ME,
    OTHER,
    claim_all,
    end,
    finish,
    row_of,
    status_events,
    submit,
    take,
)
from worker.health import is_alive

AGED = "UPDATE processing_file SET uploaded_at = now() - '1 h'::interval"


async def test_everything_in_redis_can_be_lost(core: Core) -> None:
    waiting = [await submit(core, f"{n}.csv") for n in range(5)]
    (running, *_) = await claim_all(core)
    finished = await core.lifecycle.jobs.record_results([end(running.job)])
    await core.commands.delete(core.keys.jobs, core.keys.job_entries, core.keys.events)

    assert await core.recovery.requeue_missing() == (4, 0)  # all but the finished one
    await core.lifecycle.jobs.announce_results(finished, {running.job.id: running.delivery})
    assert await core.recovery.requeue_missing() == (0, 0)  # and they are known now
    deliveries = await core.jobs.read(OTHER, 100)
    assert {d.file_id for d in deliveries} == {f.id for f in waiting} - {running.job.id}


async def test_a_lost_group_gets_every_entry_again(core: Core) -> None:
    await submit(core)
    await core.jobs.ensure_group()
    await core.commands.xgroup_destroy(core.keys.jobs, "workers")
    assert await core.recovery.requeue_missing() == (0, 0)
    assert len(await claim_all(core)) == 1


async def test_garbage_on_the_stream_is_set_aside(core: Core) -> None:
    await core.jobs.ensure_group()
    garbage: list[dict[Any, Any]] = [
        {"hello": "world"},
        {"file_id": "x"},
        {"file_id": "9" * 30},
        {"file_id": "777"},
    ]
    for fields in garbage:
        await core.commands.xadd(core.keys.jobs, fields)
    file = await submit(core)
    (claimed,) = await claim_all(core)
    assert claimed.job.id == file.id
    letters: Any = await core.commands.xrange(core.keys.dead_letters)
    reasons = [fields["reason"] for _, fields in letters]
    assert len(reasons) == len(garbage)
    assert reasons[-1] == "there is no file 777"
    assert await core.commands.xlen(core.keys.jobs) == 1


async def test_two_entries_of_one_file_run_it_once(core: Core) -> None:
    file = await submit(core)
    await core.outbox.send(queue=[(file.id, "profile")])
    claimed = await claim_all(core)
    assert [item.job.id for item in claimed] == [file.id]


async def test_a_clean_up_deletes_what_no_row_needs(core: Core) -> None:
    removed, canceled, fine = [await submit(core) for _ in range(3)]
    for item in await claim_all(core):
        folder = core.storage.attempt_folder(item.job.id, 1)
        folder.mkdir()
        (folder / "made.txt").write_text("x")
        if item.job.id != canceled.id:
            await core.lifecycle.jobs.record_results([end(item.job)])
    core.storage.attempt_folder(fine.id, 7).mkdir()  # of a worker that came too late
    await core.lifecycle.files.delete(canceled.id)
    async with core.database.connect() as connection:
        # As if web had died between the commit and the deletion.
        await repository.delete(connection, removed.id)
    fresh = core.storage.original(999).parent
    fresh.mkdir()
    await core.recovery.clean_up()
    assert not core.storage.original(removed.id).parent.exists()
    assert [p.name for p in core.storage.original(canceled.id).parent.iterdir()] == ["original"]
    kept = sorted(path.name for path in core.storage.original(fine.id).parent.iterdir())
    assert kept == ["1", "original"]
    assert fresh.exists()  # an upload on its way: its row comes in a moment


async def test_a_second_entry_of_a_running_file_goes_with_the_first(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.commands.delete(core.keys.jobs, core.keys.job_entries)
    assert await core.recovery.requeue_missing() == (1, 0)
    assert await claim_all(core, OTHER) == []  # left pending: our lease runs
    await finish(core, claimed)
    assert await core.commands.xlen(core.keys.jobs) == 0
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]


async def test_a_claim_counts_although_redis_goes_away(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    await submit(core)
    await core.jobs.ensure_group()
    deliveries = await core.jobs.read(ME, 10)
    # Nothing listens on port 1, so the real client gets a real refusal.
    lost = command_client("redis://127.0.0.1:1/0")
    monkeypatch.setattr(core.lifecycle.jobs, "_outbox", Outbox(lost, StreamKeys("x"), 1000))
    assert len(await take(core, deliveries)) == 1
    await lost.aclose()


async def test_old_files_expire_with_their_data(core: Core) -> None:
    fine, failed, fresh, waiting = [await submit(core) for _ in range(4)]
    claimed = {item.job.id: item for item in await claim_all(core)}
    await finish(core, claimed[fine.id])
    await finish(core, claimed[failed.id], Status.ERROR)
    await finish(core, claimed[fresh.id])
    await core.lifecycle.jobs.hand_back([claimed[waiting.id]], ran=True)
    async with core.database.connect() as connection:
        await connection.execute(
            text(
                "UPDATE processing_file SET uploaded_at = now() - interval '3 days', "
                "finished_at = finished_at - interval '2 days' WHERE id <> :fresh"
            ),
            {"fresh": fresh.id},
        )
    assert await core.lifecycle.files.expire(days=1) == 2
    for expired in (fine, failed):
        row = await row_of(core, expired.id)
        assert row.status == Status.REMOVED
        assert row.message == "Data deleted 1 day after the file was finished (KEEP_DAYS)."
        assert not core.storage.original(expired.id).parent.exists()
        assert (await status_events(core, expired.id))[-1] == "Removed"
    for kept in (fresh, waiting):
        assert core.storage.original(kept.id).exists()
    assert await core.lifecycle.files.expire(days=1) == 0


async def test_only_one_sweeps_at_a_time(core: Core, settings: Settings) -> None:
    await submit(core)
    await core.jobs.ensure_group()
    await core.commands.delete(core.keys.jobs, core.keys.job_entries)
    async with core.database.connect() as connection:
        await connection.execute(text(AGED))
    other = Core(settings)
    async with other.recovery.exclusive() as acquired:
        assert acquired
        await core.recovery.sweep()
        assert await core.commands.xlen(core.keys.jobs) == 0
    await core.recovery.sweep()
    assert await core.commands.xlen(core.keys.jobs) == 1
    await other.close()


async def test_a_sweep_goes_through_a_long_backlog_in_steps(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [await submit(core) for _ in range(7)]
    await core.commands.delete(core.keys.jobs, core.keys.job_entries)
    async with core.database.connect() as connection:
        await connection.execute(text(AGED))
    monkeypatch.setattr(recovery, "PAGE_SIZE", 3)
    monkeypatch.setattr(recovery, "SWEEP_BUDGET_SECONDS", 0.0)
    lengths = []
    for _ in range(3):
        await core.recovery.sweep()
        lengths.append(await core.commands.xlen(core.keys.jobs))
    assert lengths == [3, 6, len(files)]


async def test_a_worker_is_alive_while_it_talks_to_redis(core: Core, settings: Settings) -> None:
    assert not await is_alive(settings)  # no stream yet
    await core.jobs.ensure_group()
    assert not await is_alive(settings)
    await submit(core)
    assert await core.jobs.read(f"{socket.gethostname()}:1:abc", 1)
    await eventually(lambda: is_alive(settings))
    assert not await is_alive(settings.model_copy(update={"lease_seconds": 0.0}))
    assert not await is_alive(Settings(redis_url="redis://127.0.0.1:1/0"))
