"""Every transition and every fence."""

import asyncio
import itertools
from datetime import timedelta

import pytest
from sqlalchemy import text

from processing import repository
from processing.core import Core
from processing.errors import Conflict, NotFound
from processing.jobs import Delivery
from processing.lifecycle import Claimed
from processing.models import Usage
from processing.repository import ProgressReport
from processing.states import (
    DELETED_AS,
    TERMINAL_STATUSES,
    TRANSITIONS,
    Outcome,
    Status,
)
from processing.stream_reader import START
from tests.integration.steps import (
    ME,
    OTHER,
    claim_all,
    end,
    finish,
    force,
    row_of,
    status_events,
    status_of,
    submit,
    take,
)


async def test_a_file_goes_from_waiting_to_ok(core: Core) -> None:
    file = await submit(core)
    assert (file.status, file.attempt, file.size) == (Status.WAITING, 0, 4)
    assert core.storage.original(file.id).read_bytes() == b"a\n1\n"

    (claimed,) = await claim_all(core)
    assert (claimed.job.status, claimed.job.attempt) == (Status.PROCESSING, 1)
    assert (await row_of(core, file.id)).worker == ME

    assert (await finish(core, claimed, row_count=1, result={"x": 1})).status == Status.OK
    assert (await row_of(core, file.id)).result == {"x": 1}
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]
    assert await core.commands.xlen(core.keys.jobs) == 0
    assert await core.commands.hlen(core.keys.job_entries) == 0
    pending = await core.commands.xpending(core.keys.jobs, "workers")
    assert pending["pending"] == 0


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Status, Status)))
async def test_the_whole_table_of_transitions(core: Core, before: Status, after: Status) -> None:
    """From every status, ask for every other one; only what the table allows happens."""
    file = await submit(core)
    await force(core, file.id, before)
    async with core.database.connect() as connection:
        if after == Status.PROCESSING:
            if before == Status.PROCESSING:  # only by reclaim, when the lease is over
                await connection.execute(
                    text("UPDATE processing_file SET lease_until = now() - interval '1 s'")
                )
            await repository.claim(
                core.database.dedicated(), [file.id], worker=ME, lease_seconds=9, max_failures=3
            )
        elif after in (Status.OK, Status.ERROR):
            await repository.record_results(core.database.dedicated(), [end(file, after)])
        elif after == Status.WAITING and before != Status.PROCESSING:
            await repository.restart(connection, file.id)
        elif after == Status.WAITING:
            await repository.hand_back(connection, {file.id: file.attempt}, ran=True)
        elif after == Status.REMOVED and before in (Status.ERROR, Status.CANCELED):
            await repository.expire(connection, timedelta(0), limit=10)
        elif DELETED_AS.get(before) == after or before not in DELETED_AS:
            await repository.delete(connection, file.id)
    allowed = after in TRANSITIONS[before]
    assert await status_of(core, file.id) == (after if allowed else before)


@pytest.mark.parametrize("before", sorted(TERMINAL_STATUSES))
async def test_a_terminal_status_is_never_claimed(core: Core, before: Status) -> None:
    file = await submit(core)
    await force(core, file.id, before)
    assert await claim_all(core) == []
    assert await status_of(core, file.id) == before
    assert await core.commands.xlen(core.keys.jobs) == 0  # settled, not left to come again


async def test_a_paused_worker_cannot_overwrite_its_successor(core: Core) -> None:
    await submit(core)
    (zombie,) = await claim_all(core, ME, lease=0.05)
    await asyncio.sleep(0.1)  # the lease itself is what is tested
    deliveries = await core.jobs.reclaim(OTHER, 0.05, 10)
    (successor,) = await take(core, deliveries, OTHER)
    assert (zombie.job.attempt, successor.job.attempt) == (1, 2)

    assert await core.lifecycle.jobs.record_results([end(zombie.job, Status.ERROR)]) == []
    report = ProgressReport(id=zombie.job.id, attempt=1, progress=0.9, stage="late")
    await core.lifecycle.jobs.progress([report])
    held = {zombie.job.id: zombie.job.attempt}
    assert await core.lifecycle.jobs.renew(held, worker=ME, lease_seconds=30) == set()
    assert await core.lifecycle.jobs.record_results([end(successor.job)]) != []
    assert await status_of(core, zombie.job.id) == Status.OK
    entries = await core.events.read(START)
    assert not [event for _, event in entries if event and event.type == "progress"]


async def test_a_lease_that_is_renewed_is_not_taken(core: Core) -> None:
    file = await submit(core)
    (mine,) = await claim_all(core, ME, lease=0.05)
    held = {file.id: mine.job.attempt}
    assert await core.lifecycle.jobs.renew(held, worker=ME, lease_seconds=30) == {file.id}
    assert await take(core, [mine.delivery], OTHER) == []


async def test_a_job_that_loses_its_worker_too_often_is_poison(core: Core) -> None:
    file = await submit(core)
    await claim_all(core, ME, lease=0.01)
    for attempt in (2, 3):
        await asyncio.sleep(0.05)  # the lease itself is what is tested
        deliveries = await core.jobs.reclaim(OTHER, 0.01, 10)
        claimed = await take(core, deliveries, OTHER, 0.01, 2 if attempt == 3 else 3)
        assert len(claimed) == (1 if attempt == 2 else 0)
    row = await row_of(core, file.id)
    assert (row.status, row.outcome) == (Status.ERROR, Outcome.WORKER_LOST)
    assert "lost twice while processing this file" in (row.message or "")
    assert await core.commands.xlen(core.keys.jobs) == 0


async def test_cancel_is_idempotent(core: Core) -> None:
    file = await submit(core)
    for _ in range(3):
        assert (await core.lifecycle.files.delete(file.id)).status == Status.CANCELED
    assert await claim_all(core) == []
    assert core.storage.original(file.id).exists()


async def test_cancel_wins_over_a_late_finish(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.lifecycle.files.delete(file.id)
    assert await core.lifecycle.jobs.record_results([end(claimed.job)]) == []
    assert await status_of(core, file.id) == Status.CANCELED
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Canceled"]


async def test_cancel_and_finish_at_the_same_time_leave_one_end(core: Core) -> None:
    for _ in range(20):
        file = await submit(core)
        (claimed,) = await claim_all(core)
        written, deleted = await asyncio.gather(
            core.lifecycle.jobs.record_results([end(claimed.job)]),
            core.lifecycle.files.delete(file.id),
        )
        await core.lifecycle.jobs.announce_results(written, {file.id: claimed.delivery})
        final = await status_of(core, file.id)
        # Whoever came first; a finish that came first was removed by the same click.
        assert final == deleted.status
        assert final in ({Status.REMOVED} if written else {Status.CANCELED})
        announced = await status_events(core, file.id)
        # The result that this delete replaced at once need not be announced any more.
        assert announced == ["Waiting", "Processing", str(final)]


async def test_removing_deletes_the_data(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.lifecycle.jobs.record_results([end(claimed.job)])
    assert (await core.lifecycle.files.delete(file.id)).status == Status.REMOVED
    assert not core.storage.original(file.id).parent.exists()
    assert (await core.lifecycle.files.delete(file.id)).status == Status.REMOVED


async def test_deleting_what_is_not_there(core: Core) -> None:
    with pytest.raises(NotFound):
        await core.lifecycle.files.delete(12345)


@pytest.mark.parametrize("ended", [Status.ERROR, Status.CANCELED])
async def test_a_retry_starts_from_the_beginning(core: Core, ended: Status) -> None:
    file = await submit(core)
    (first,) = await claim_all(core)
    if ended == Status.ERROR:
        await finish(core, first, Status.ERROR, message="no")
    else:
        await core.lifecycle.files.delete(file.id)
    again = await core.lifecycle.files.retry(file.id)
    assert (again.status, again.failures, again.message) == (Status.WAITING, 0, None)
    (second,) = await claim_all(core)
    assert second.job.attempt == 2
    assert (
        await core.lifecycle.jobs.record_results([end(first.job)]) == []
    )  # the first is fenced off
    assert await core.lifecycle.jobs.record_results([end(second.job)]) != []
    with pytest.raises(Conflict, match="is Ok"):
        await core.lifecycle.files.retry(file.id)


async def test_no_retry_without_the_data(core: Core) -> None:
    with pytest.raises(NotFound):
        await core.lifecycle.files.retry(4711)
    file = await submit(core)
    await core.lifecycle.files.delete(file.id)
    core.storage.delete_file(file.id)
    with pytest.raises(NotFound, match="no data"):
        await core.lifecycle.files.retry(file.id)
    assert await status_of(core, file.id) == Status.CANCELED


async def test_handing_back_does_not_count(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.lifecycle.jobs.hand_back([claimed], ran=True)
    (again,) = await claim_all(core, OTHER)
    assert (again.job.id, again.job.attempt, again.job.failures) == (file.id, 2, 0)
    assert again.delivery.entry_id != claimed.delivery.entry_id


async def test_a_retry_waits_for_its_time(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await finish(core, claimed, Status.WAITING, delay=3600.0)
    row = await row_of(core, file.id)
    assert row.due_at is not None
    assert row.failures == 1
    assert await core.lifecycle.jobs.release_due() == 0
    assert await core.recovery.requeue_missing() == (0, 0)
    async with core.database.connect() as connection:
        await connection.execute(text("UPDATE processing_file SET due_at = now()"))
    assert await core.lifecycle.jobs.release_due() == 1
    (again,) = await claim_all(core)
    assert (again.job.id, again.job.attempt) == (file.id, 2)


async def test_overlapping_claims_do_not_deadlock(core: Core) -> None:
    files = [await submit(core) for _ in range(30)]
    deliveries = [Delivery(f"{f.id}-1", f.id) for f in files]

    async def claim(worker: str, backwards: bool) -> list[Claimed]:
        mine = list(reversed(deliveries)) if backwards else deliveries
        return await take(core, mine, worker)

    results = await asyncio.gather(*(claim(f"w{n}", bool(n % 2)) for n in range(6)))
    ids = [item.job.id for claimed in results for item in claimed]
    assert sorted(ids) == [file.id for file in files]


async def test_every_attempt_records_its_usage(core: Core) -> None:
    file = await submit(core)
    (first,) = await claim_all(core, lease=0.01)
    await asyncio.sleep(0.05)  # the lease itself is what is tested
    (second,) = await take(core, await core.jobs.reclaim(OTHER, 0.01, 10), OTHER)
    await core.lifecycle.jobs.hand_back([second], ran=True)
    (third,) = await claim_all(core)
    used = Usage(10**8, 1.5, 2.5)
    await finish(core, third, Status.WAITING, delay=0.0, message="asleep", usage=used)
    await core.lifecycle.jobs.release_due()
    (fourth,) = await claim_all(core)
    await finish(core, fourth, Status.ERROR, message="broken", usage=used)
    await core.lifecycle.files.retry(file.id)
    (fifth,) = await claim_all(core)
    await finish(core, fifth, usage=used)

    async with core.database.connect() as connection:
        earlier = await repository.list_attempts(connection, file.id)
    assert [(a.attempt, str(a.outcome)) for a in earlier] == [
        (1, "worker lost"),
        (2, "handed back"),
        (3, "failed"),
        (4, "failed"),
    ]
    assert [a.worker for a in earlier] == [ME, OTHER, ME, ME]
    assert [a.usage for a in earlier[2:]] == [used] * 2
    row = await row_of(core, file.id)
    assert (row.attempt, row.usage) == (5, used)
    assert first.job.attempt == 1


async def test_the_usage_of_a_cancelled_attempt_is_kept(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    used = {(file.id, claimed.job.attempt): Usage(5, 3.0, 4.0)}
    await core.lifecycle.jobs.record_cancelled_usage(used)  # not while it runs
    assert (await row_of(core, file.id)).usage == Usage()
    await core.lifecycle.files.delete(file.id)
    await core.lifecycle.jobs.record_cancelled_usage(used)
    row = await row_of(core, file.id)
    assert row.usage == Usage(5, 3.0, 4.0)


async def test_a_retry_that_is_due_is_queued_although_the_queuing_dies(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await finish(core, claimed, Status.WAITING, delay=0.0)
    async with core.database.connect() as connection:
        assert await repository.due_files(connection, limit=10) == [(file.id, "profile")]
    # Whoever read this died; the next one does it again.
    assert await core.lifecycle.jobs.release_due() == 1
    assert await core.lifecycle.jobs.release_due() == 0
    (again,) = await claim_all(core)
    assert again.job.attempt == 2


async def test_retries_that_are_due_are_queued_in_steps(core: Core) -> None:
    files = [await submit(core) for _ in range(3)]
    for claimed in await claim_all(core):
        delay = 3600.0 if claimed.job.id == files[0].id else 0.0
        await finish(core, claimed, Status.WAITING, delay=delay)
    assert await core.commands.xlen(core.keys.jobs) == 0
    assert [await core.lifecycle.jobs.release_due(limit=1) for _ in range(3)] == [1, 1, 0]
    again = {claimed.job.id for claimed in await claim_all(core)}
    assert again == {files[1].id, files[2].id}
