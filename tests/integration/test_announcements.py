"""Every change is announced, every result exactly once, whichever process dies in between."""

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from processing import repository
from processing.core import Core
from processing.jobs import Delivery
from processing.models import Change
from processing.outbox import Announcement, AnnounceWhen
from processing.settings import Settings
from tests.integration.steps import ME, OTHER, claim_all, end, finish, status_events, submit, take


async def test_a_result_is_announced_once_although_its_worker_dies_before(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    changes = await core.lifecycle.jobs.record_results([end(claimed.job)])
    # The worker is frozen: another one finds its delivery, and then the first one continues.
    deliveries = await core.jobs.reclaim(OTHER, 0.0, 10)
    assert await take(core, deliveries, OTHER) == []
    await core.lifecycle.jobs.announce_results(changes, {file.id: claimed.delivery})
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]
    assert await core.commands.xlen(core.keys.jobs) == 0


async def test_a_result_is_announced_once_although_the_answer_was_lost(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    changes = await core.lifecycle.jobs.record_results([end(claimed.job)])
    await core.lifecycle.jobs.announce_results(changes, {file.id: claimed.delivery})
    await core.lifecycle.jobs.announce_results(changes, {file.id: claimed.delivery}, repeated=True)
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]


async def test_a_result_is_announced_by_the_second_try_if_the_first_failed(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    changes = await core.lifecycle.jobs.record_results([end(claimed.job)])
    await core.lifecycle.jobs.announce_results(changes, {file.id: claimed.delivery}, repeated=True)
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]


@pytest.mark.parametrize("crash_after_sending", [False, True])
async def test_a_removal_is_announced_once_although_web_dies(
    core: Core, crash_after_sending: bool
) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await finish(core, claimed)
    async with core.database.connect() as connection:
        removed = await repository.delete(connection, file.id)
    assert removed is not None
    if crash_after_sending:
        await core.outbox.send([Announcement.status(removed, AnnounceWhen.ONCE)])
    await core.recovery.sweep()
    await core.recovery.sweep()
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok", "Removed"]


async def test_a_file_can_be_cancelled_again_after_a_retry(core: Core) -> None:
    file = await submit(core)
    for _ in range(2):
        await core.lifecycle.files.delete(file.id)
        await core.lifecycle.files.retry(file.id)
    assert await status_events(core, file.id) == ["Waiting"] + ["Canceled", "Waiting"] * 2


async def test_a_delayed_worker_announces_nothing_after_the_result(core: Core) -> None:
    """The last event of a file is always its status, whichever process is late."""
    file = await submit(core)
    await core.jobs.ensure_group()
    deliveries = await core.jobs.read(ME, 10)
    claims = await core.lifecycle.jobs.claim(
        deliveries, worker=ME, lease_seconds=30, max_failures=3
    )
    await core.lifecycle.files.delete(file.id)
    await core.lifecycle.jobs.settle(claims)
    assert await status_events(core, file.id) == ["Waiting", "Canceled"]

    other = await submit(core)
    (claimed,) = await claim_all(core)
    changes = await core.lifecycle.jobs.record_results([end(claimed.job)])
    await core.lifecycle.files.delete(other.id)
    await core.lifecycle.jobs.announce_results(changes, {other.id: claimed.delivery})
    assert await status_events(core, other.id) == ["Waiting", "Processing", "Removed"]


async def test_a_result_is_announced_although_redis_was_wiped(core: Core) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.commands.delete(core.keys.jobs, core.keys.job_entries, core.keys.events)
    await finish(core, claimed)
    assert await status_events(core, file.id) == ["Ok"]


async def test_a_result_is_announced_once_although_its_file_is_requeued_meanwhile(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    await core.commands.delete(core.keys.jobs, core.keys.job_entries)
    read = repository.get_changes

    async def finished_after_reading(connection: AsyncConnection, ids: list[int]) -> list[Change]:
        changes = await read(connection, ids)
        await finish(core, claimed)
        return changes

    monkeypatch.setattr(repository, "get_changes", finished_after_reading)
    assert await core.recovery.requeue_missing() == (1, 0)
    assert await claim_all(core, OTHER) == []
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]
    assert await core.jobs.length() == 0


async def test_a_result_is_announced_once_although_its_delivery_is_released_meanwhile(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await submit(core)
    (claimed,) = await claim_all(core)
    assert await take(core, await core.jobs.reclaim(OTHER, 0.0, 10), OTHER) == []
    read = core.jobs.pending_of

    async def finished_after_reading(consumer: str) -> list[Delivery]:
        pending = await read(consumer)
        await finish(core, claimed)
        return pending

    monkeypatch.setattr(core.jobs, "pending_of", finished_after_reading)
    await core.lifecycle.jobs.release_deliveries(OTHER)
    assert await claim_all(core) == []
    assert await status_events(core, file.id) == ["Waiting", "Processing", "Ok"]
    assert await core.jobs.length() == 0


async def test_results_are_not_remembered_without_need(core: Core) -> None:
    await submit(core)
    (claimed,) = await claim_all(core)
    await finish(core, claimed)
    assert not await core.commands.exists(core.keys.announced)


async def test_events_are_trimmed_and_jobs_never(settings: Settings) -> None:
    core = Core(settings.model_copy(update={"events_kept": 100}))
    core.storage.prepare()
    await core.outbox.send(queue=[(number, "profile") for number in range(1, 1001)])
    for first in range(1, 1001, 100):
        await core.outbox.send(
            Announcement.status(Change(number, 0, "Waiting", None))
            for number in range(first, first + 100)
        )
    assert 100 <= await core.commands.xlen(core.keys.events) <= 300
    assert await core.commands.xlen(core.keys.jobs) == 1000
    await core.close()
