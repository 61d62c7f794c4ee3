"""Every transition, every fence, and what a lost Redis leaves to do."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from processing import repository
from processing.broker import command_client
from processing.core import Core
from processing.errors import Conflict, NotFound
from processing.events import START
from processing.jobs import Delivery
from processing.lifecycle import Claimed, Upload
from processing.models import Change, Job, ProcessingFile
from processing.outbox import Outbox
from processing.repository import Finish, ProgressReport
from processing.states import (
    DELETED_AS,
    OPEN_STATUSES,
    TERMINAL_STATUSES,
    TRANSITIONS,
    Outcome,
    Status,
)

ME, OTHER = "host:1:aaa", "host:2:bbb"


async def submit(core: Core, name: str = "a.csv", data: bytes = b"a\n1\n") -> ProcessingFile:
    partial = core.storage.new_partial(1000)
    partial.write(data)
    digest = partial.complete()
    upload = Upload(partial=partial, name=name, sha256=digest, handler="profile", options={})
    return await core.lifecycle.submit(upload)


async def take(
    core: Core,
    deliveries: Sequence[Delivery],
    worker: str = ME,
    lease: float = 30.0,
    max_failures: int = 3,
) -> list[Claimed]:
    """Claim and settle, as a worker does."""
    claims = await core.lifecycle.claim(
        deliveries, worker=worker, lease_seconds=lease, max_failures=max_failures
    )
    await core.lifecycle.settle(claims)
    return list(claims.started)


async def claim_all(core: Core, worker: str = ME, lease: float = 30.0) -> list[Claimed]:
    await core.jobs.ensure_group()
    return await take(core, await core.jobs.read(worker, 100), worker, lease)


async def row_of(core: Core, file_id: int) -> ProcessingFile:
    async with core.database.connect() as connection:
        file = await repository.get_file(connection, file_id)
    assert file is not None
    return file


async def finish(core: Core, claimed: Claimed, status: Status = Status.OK, **more: Any) -> Change:
    """Record and conclude, as a worker does."""
    (change,) = await core.lifecycle.record([end(claimed.file, status, **more)])
    await core.lifecycle.conclude([change], {change.id: claimed.delivery})
    return change


async def status_of(core: Core, file_id: int) -> Status:
    return (await row_of(core, file_id)).status


async def force(core: Core, file_id: int, status: Status) -> None:
    """Put a row into a status, whatever it was."""
    lease = "now() + interval '1 hour'" if status == Status.PROCESSING else "NULL"
    ended = "NULL" if status in OPEN_STATUSES else "now()"
    statement = (
        f"UPDATE processing_file SET status = :s, lease_until = {lease}, finished_at = {ended} "
        "WHERE id = :i"
    )
    async with core.database.connect() as connection:
        await connection.execute(text(statement), {"s": status.value, "i": file_id})


def end(file: ProcessingFile | Job, status: Status = Status.OK, **more: object) -> Finish:
    outcome = Outcome.SUCCEEDED if status == Status.OK else Outcome.FAILED
    return Finish(id=file.id, attempt=file.attempt, status=status, outcome=outcome, **more)  # type: ignore[arg-type]


async def status_events(core: Core, file_id: int) -> list[str]:
    entries = await core.events.read(START)
    return [e.status for _, e in entries if e and e.type == "status" and e.file_id == file_id]


async def test_a_file_goes_from_waiting_to_ok(core: Core) -> None:
    file = await submit(core)
    assert (file.status, file.attempt, file.size) == (Status.WAITING, 0, 4)
    assert core.storage.original(file.id).read_bytes() == b"a\n1\n"

    (claimed,) = await claim_all(core)
    assert (claimed.file.status, claimed.file.attempt) == (Status.PROCESSING, 1)
    assert (await row_of(core, file.id)).worker == ME

    assert (await finish(core, claimed, row_count=1, result={"x": 1})).status == Status.OK
    assert (await row_of(core, file.id)).result == {"x": 1}
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]
    assert await core.commands.xlen(core.jobs.stream) == 0
    assert await core.commands.hlen(core.jobs.index) == 0
    pending = await core.commands.xpending(core.jobs.stream, "workers")
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
                core.database.lane(), [file.id], worker=ME, lease_seconds=9, max_failures=3
            )
        elif after in (Status.OK, Status.ERROR):
            await repository.finish(core.database.lane(), [end(file, after)])
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
    assert await core.commands.xlen(core.jobs.stream) == 0  # settled, not left to come again


async def test_a_paused_worker_cannot_overwrite_its_successor(core: Core) -> None:
    await submit(core)
    (zombie,) = await claim_all(core, ME, lease=0.05)
    await asyncio.sleep(0.1)  # the lease itself is what is tested
    deliveries = await core.jobs.reclaim(OTHER, 0.05, 10)
    (successor,) = await take(core, deliveries, OTHER)
    assert (zombie.file.attempt, successor.file.attempt) == (1, 2)

    assert await core.lifecycle.record([end(zombie.file, Status.ERROR)]) == []
    report = ProgressReport(id=zombie.file.id, attempt=1, progress=0.9, stage="late")
    await core.lifecycle.progress([report])
    held = {zombie.file.id: zombie.file.attempt}
    assert await core.lifecycle.renew(held, worker=ME, lease_seconds=30) == set()
    assert await core.lifecycle.record([end(successor.file)]) != []
    assert await status_of(core, zombie.file.id) == Status.OK
    entries = await core.events.read(START)
    assert not [event for _, event in entries if event and event.type == "progress"]


async def test_a_lease_that_is_renewed_is_not_taken(core: Core) -> None:
    file = await submit(core)
    (mine,) = await claim_all(core, ME, lease=0.05)
    held = {file.id: mine.file.attempt}
    assert await core.lifecycle.renew(held, worker=ME, lease_seconds=30) == {file.id}
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
    assert "lost 2 times" in (row.message or "")
    assert await core.commands.xlen(core.jobs.stream) == 0


async def test_cancel_is_the_same_once_or_thrice(core: Core) -> None:
    file = await submit(core)
    for _ in range(3):
        assert (await core.lifecycle.delete(file.id)).status == Status.CANCELED
    assert await claim_all(core) == []
    assert core.storage.original(file.id).exists()


async def test_cancel_wins_over_a_late_finish(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.lifecycle.delete(file.id)
    assert await core.lifecycle.record([end(claimed.file)]) == []
    assert await status_of(core, file.id) == Status.CANCELED
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Canceled"]


async def test_cancel_and_finish_at_the_same_time_leave_one_end(core: Core) -> None:
    for _ in range(20):
        file = await submit(core)
        (claimed,) = await claim_all(core)
        written, deleted = await asyncio.gather(
            core.lifecycle.record([end(claimed.file)]), core.lifecycle.delete(file.id)
        )
        await core.lifecycle.conclude(written, {file.id: claimed.delivery})
        final = await status_of(core, file.id)
        # Whoever came first; a finish that came first was removed by the same click.
        assert final == deleted.status
        assert final in ({Status.REMOVED} if written else {Status.CANCELED})


async def test_removing_deletes_the_data(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.lifecycle.record([end(claimed.file)])
    assert (await core.lifecycle.delete(file.id)).status == Status.REMOVED
    assert not core.storage.original(file.id).parent.exists()
    assert (await core.lifecycle.delete(file.id)).status == Status.REMOVED


async def test_deleting_what_is_not_there(core: Core) -> None:
    with pytest.raises(NotFound):
        await core.lifecycle.delete(12345)


@pytest.mark.parametrize("ended", [Status.ERROR, Status.CANCELED])
async def test_a_retry_starts_afresh(core: Core, ended: Status) -> None:
    file = await submit(core)
    (first,) = await claim_all(core)
    if ended == Status.ERROR:
        await finish(core, first, Status.ERROR, message="no")
    else:
        await core.lifecycle.delete(file.id)
    again = await core.lifecycle.retry(file.id)
    assert (again.status, again.failures, again.message) == (Status.WAITING, 0, None)
    (second,) = await claim_all(core)
    assert second.file.attempt == 2
    assert await core.lifecycle.record([end(first.file)]) == []  # the first is fenced off
    assert await core.lifecycle.record([end(second.file)]) != []
    with pytest.raises(Conflict, match="is Ok"):
        await core.lifecycle.retry(file.id)


async def test_no_retry_without_the_data(core: Core) -> None:
    with pytest.raises(NotFound):
        await core.lifecycle.retry(4711)
    file = await submit(core)
    await core.lifecycle.delete(file.id)
    core.storage.remove(file.id)
    with pytest.raises(NotFound, match="no data"):
        await core.lifecycle.retry(file.id)
    assert await status_of(core, file.id) == Status.CANCELED


async def test_handing_back_does_not_count(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.lifecycle.hand_back([claimed], ran=True)
    (again,) = await claim_all(core, OTHER)
    assert (again.file.id, again.file.attempt, again.file.failures) == (file.id, 2, 0)
    assert again.delivery.entry_id != claimed.delivery.entry_id


async def test_a_retry_waits_for_its_time(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await finish(core, claimed, Status.WAITING, delay=3600.0)
    row = await row_of(core, file.id)
    assert row.due_at is not None
    assert row.failures == 1
    assert await core.lifecycle.release_due() == 0
    assert await core.recovery.requeue_missing() == (0, 0)
    async with core.database.connect() as connection:
        await connection.execute(text("UPDATE processing_file SET due_at = now()"))
    assert await core.lifecycle.release_due() == 1
    (again,) = await claim_all(core)
    assert (again.file.id, again.file.attempt) == (file.id, 2)


async def test_everything_in_redis_can_be_lost(core: Core) -> None:
    waiting = [await submit(core, f"{n}.csv") for n in range(5)]
    (running, *_) = await claim_all(core)
    finished = await core.lifecycle.record([end(running.file)])
    await core.commands.delete(core.jobs.stream, core.jobs.index, core.events.stream)

    assert await core.recovery.requeue_missing() == (4, 0)  # all but the finished one
    await core.lifecycle.conclude(finished, {running.file.id: running.delivery})
    assert await core.recovery.requeue_missing() == (0, 0)  # and they are known now
    deliveries = await core.jobs.read(OTHER, 100)
    assert {d.file_id for d in deliveries} == {f.id for f in waiting} - {running.file.id}


async def test_a_lost_group_gets_every_entry_again(core: Core) -> None:
    await submit(core)
    await core.jobs.ensure_group()
    await core.commands.xgroup_destroy(core.jobs.stream, "workers")
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
        await core.commands.xadd(core.jobs.stream, fields)
    file = await submit(core)
    (claimed,) = await claim_all(core)
    assert claimed.file.id == file.id
    letters: Any = await core.commands.xrange(core.jobs.dead)
    reasons = [fields["reason"] for _, fields in letters]
    assert len(reasons) == len(garbage)
    assert reasons[-1] == "there is no file 777"
    assert await core.commands.xlen(core.jobs.stream) == 1


async def test_two_entries_of_one_file_run_it_once(core: Core) -> None:
    file = await submit(core)
    await core.outbox.send(queue=[(file.id, "profile")])
    claimed = await claim_all(core)
    assert [item.file.id for item in claimed] == [file.id]


async def test_overlapping_claims_do_not_deadlock(core: Core) -> None:
    files = [await submit(core) for _ in range(30)]
    deliveries = [Delivery(f"{f.id}-1", f.id) for f in files]

    async def claim(worker: str, backwards: bool) -> list[Claimed]:
        mine = list(reversed(deliveries)) if backwards else deliveries
        return await take(core, mine, worker)

    results = await asyncio.gather(*(claim(f"w{n}", bool(n % 2)) for n in range(6)))
    ids = [item.file.id for claimed in results for item in claimed]
    assert sorted(ids) == [file.id for file in files]


async def test_tidying_deletes_what_no_row_needs(core: Core) -> None:
    removed, canceled, fine = [await submit(core) for _ in range(3)]
    for item in await claim_all(core):
        folder = core.storage.attempt_folder(item.file.id, 1)
        folder.mkdir()
        (folder / "made.txt").write_text("x")
        if item.file.id != canceled.id:
            await core.lifecycle.record([end(item.file)])
    core.storage.attempt_folder(fine.id, 7).mkdir()  # of a worker that came too late
    await core.lifecycle.delete(canceled.id)
    async with core.database.connect() as connection:
        # As if web had died between the commit and the deletion.
        await repository.delete(connection, removed.id)
    fresh = core.storage.original(999).parent
    fresh.mkdir()
    await core.recovery.tidy()
    assert not core.storage.original(removed.id).parent.exists()
    assert [p.name for p in core.storage.original(canceled.id).parent.iterdir()] == ["original"]
    kept = sorted(path.name for path in core.storage.original(fine.id).parent.iterdir())
    assert kept == ["1", "original"]
    assert fresh.exists()  # an upload on its way: its row comes in a moment


async def test_a_second_entry_of_a_running_file_goes_with_the_first(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.commands.delete(core.jobs.stream, core.jobs.index)
    assert await core.recovery.requeue_missing() == (1, 0)
    assert await claim_all(core, OTHER) == []  # left pending: our lease runs
    await finish(core, claimed)
    assert await core.commands.xlen(core.jobs.stream) == 0
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]


async def test_a_claim_counts_although_redis_goes_away(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    await submit(core)
    await core.jobs.ensure_group()
    deliveries = await core.jobs.read(ME, 10)
    # The port of nobody: the real client meets a real refusal.
    lost = command_client("redis://127.0.0.1:1/0")
    monkeypatch.setattr(core.lifecycle, "_outbox", Outbox(lost, "x", 1000))
    assert len(await take(core, deliveries)) == 1
    await lost.aclose()
