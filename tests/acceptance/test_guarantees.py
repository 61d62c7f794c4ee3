"""Whatever is killed, every accepted file ends in exactly one true state."""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from processing import recovery, repository
from processing.broker import command_client
from processing.core import Core
from processing.settings import Settings
from processing.states import Outcome, Status
from processing.stream_reader import START
from tests.acceptance.conftest import Client
from tests.acceptance.test_journey import burning
from tests.conftest import Servers, eventually, settings_on
from tests.programs import Programs, alive, descendants
from tests.thirdparty import distribution

CSV = b"a,b\n1,2\n"

# Runs at the start of the program, and kills it at one step of an upload.
DIE = """
import os, signal
import processing.lifecycle, processing.outbox, processing.partial_uploads
import processing.repository, processing.storage

places = {
    "write": processing.partial_uploads.PartialUpload,
    "complete": processing.partial_uploads.PartialUpload,
    "adopt": processing.storage.Storage, "insert_file": processing.repository,
    "send": processing.outbox.Outbox,
}
name, when = os.environ["DIE_AT"].split()
original = getattr(places[name], name)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

if name in ("insert_file", "send"):
    async def dying(*args, **kwargs):
        if when == "before": die()
        await original(*args, **kwargs)
        die()
else:
    def dying(*args, **kwargs):
        if when == "before": die()
        original(*args, **kwargs)
        die()
setattr(places[name], name, dying)
"""
STEPS = {
    "write after": 0,
    "complete after": 0,
    "adopt before": 0,
    "adopt after": 0,
    "insert_file before": 0,
    "insert_file after": 1,
    "send before": 1,
    "send after": 1,
}


async def rows(core: Core) -> list[Any]:
    async with core.database.connect() as connection:
        return (await repository.list_files(connection, limit=100)).files


@pytest.mark.parametrize("step", STEPS)
async def test_web_is_killed_between_two_steps_of_an_upload(
    step: str,
    programs: Programs,
    client: Client,
    core: Core,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(DIE)
    web = programs.web(PYTHONPATH=str(site), DIE_AT=step)
    with pytest.raises(httpx.TransportError):
        await client.upload(CSV)
    assert web.process.wait(10) == -signal.SIGKILL

    programs.worker()
    found = await rows(core)
    assert len(found) == STEPS[step]
    for file in found:
        assert core.storage.original(file.id).read_bytes() == CSV
        assert (await client.ends(file.id)).status == Status.OK
    # What is left over goes with the sweep; here without the time it gives uploads to finish.
    monkeypatch.setattr(recovery, "ORPHAN_SECONDS", 0.0)
    monkeypatch.setattr(recovery, "PARTIAL_SECONDS", 0.0)

    async def tidied() -> bool:
        await core.recovery.clean_up()  # does nothing while the worker is at it
        stored = {file_id for file_id, _ in core.storage.stored_ids()}
        partials = list((programs.settings.media_root / "partial").iterdir())
        return stored == {file.id for file in found} and not partials

    await eventually(tidied)


async def test_a_worker_and_its_child_are_killed_together(
    programs: Programs, client: Client
) -> None:
    programs.web()
    doomed = programs.worker()
    file_id = await client.upload(CSV, handler="emulate", seconds=1.5)
    await client.runs(file_id)
    children = descendants(doomed.pid)
    for pid in (*children, doomed.pid):
        os.kill(pid, signal.SIGKILL)
    programs.worker()
    file = await client.ends(file_id)
    assert (file.status, file.attempt) == (Status.OK, 2)
    assert not [pid for pid in children if alive(pid)]


STARTS_ANOTHER = """
import subprocess, time
from worker.handlers import Context, Result, handler

@handler(title="Starts a process of its own, in a session of its own")
def starts_another(context: Context) -> Result:
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
    context.progress(0.5, str(other.pid))
    time.sleep(600)
    return Result()
"""


async def test_what_a_handler_started_ends_after_its_killed_worker(
    programs: Programs, client: Client, tmp_path: Path
) -> None:
    distribution(tmp_path, STARTS_ANOTHER, {"starts_another": "starts_another"})
    programs.web()
    doomed = programs.worker(PYTHONPATH=str(tmp_path))
    file_id = await client.upload(CSV, handler="starts_another")
    started = int((await client.runs(file_id)).stage or 0)
    doomed.kill()
    assert alive(started)  # the kernel ends the children of a worker, not theirs
    programs.worker()
    await eventually(lambda: not alive(started))


async def test_a_child_that_is_killed_from_outside_is_tried_again(
    programs: Programs, client: Client, core: Core
) -> None:
    programs.web()
    worker = programs.worker(WORKER_SLOTS="1")
    file_id = await client.upload(CSV, handler="emulate", seconds=3)
    await client.runs(file_id)
    busy = await eventually(lambda: burning(worker.pid))
    assert isinstance(busy, int)
    os.kill(busy, signal.SIGKILL)
    file = await client.ends(file_id)
    assert (file.status, file.attempt, file.failures) == (Status.OK, 2, 1)
    async with core.database.connect() as connection:
        (earlier,) = await repository.list_attempts(connection, file_id)
    assert (earlier.outcome, earlier.signal) == (Outcome.KILLED, 9)
    assert None not in earlier.usage
    detail = (await client.http.get(f"/processing_file/{file_id}/detail/")).text
    assert "Killed by signal" in detail
    assert "killed by SIGKILL" in detail


async def test_a_job_that_kills_its_process_every_time_is_poison(
    programs: Programs, client: Client, handler_package: Path
) -> None:
    programs.web()
    programs.worker(PYTHONPATH=str(handler_package), MAX_FAILURES="2")
    file = await client.ends(await client.upload(CSV, "segfault.csv", "odd"))
    assert (file.status, file.outcome, file.attempt) == (Status.ERROR, Outcome.KILLED, 2)
    assert "It failed for the 2nd time, so it is not retried." in (file.message or "")


async def test_a_long_job_is_never_taken_from_a_live_worker(
    programs: Programs, client: Client
) -> None:
    """Four leases long, in a handler that never yields."""
    programs.web()
    programs.worker()
    file_id = await client.upload(CSV, handler="emulate", seconds=8)
    await client.runs(file_id)
    programs.worker()
    file = await client.ends(file_id)
    assert (file.status, file.attempt, file.failures) == (Status.OK, 1, 0)


async def test_a_second_sigterm_is_immediate(programs: Programs, client: Client) -> None:
    programs.web()
    worker = programs.worker(GRACE_SECONDS="600")
    file_id = await client.upload(CSV, handler="emulate", seconds=600)
    await client.runs(file_id)
    worker.signal(signal.SIGTERM)
    await eventually(lambda: "stopping" in worker.log)
    assert worker.process.poll() is None
    worker.signal(signal.SIGTERM)
    assert worker.process.wait(20) == 0
    file = await client.file(file_id)
    assert (file.status, file.failures) == (Status.WAITING, 0)


async def test_what_waits_behind_a_long_job_waits_for_everyone(
    programs: Programs, client: Client
) -> None:
    """A worker that has claimed more than it can run returns it, and the status says so."""
    programs.web()
    worker = programs.worker(WORKER_SLOTS="1", LEASE_SECONDS="30")
    for _ in range(30):  # so that it takes many at once
        await client.ends(await client.upload(CSV, handler="emulate", seconds=0))
    worker.signal(signal.SIGSTOP)
    long = await client.upload(CSV, handler="emulate", seconds=600)
    others = [await client.upload(CSV, handler="emulate", seconds=0) for _ in range(5)]
    worker.signal(signal.SIGCONT)
    await client.runs(long)
    for file_id in others:
        await client.reaches(file_id, Status.WAITING)
    programs.worker(LEASE_SECONDS="30")
    for file_id in others:
        file = await client.ends(file_id)
        assert (file.status, file.failures) == (Status.OK, 0)
    assert (await client.file(long)).attempt == 1
    await client.http.delete(f"/processing_file/{long}/")


async def test_one_free_slot_of_many_is_enough(programs: Programs, client: Client) -> None:
    programs.web()
    programs.worker(WORKER_SLOTS="4")
    first, *others = [await client.upload(CSV, handler="emulate", seconds=600) for _ in range(4)]
    for file_id in (first, *others):
        await client.runs(file_id)
    waiting = await client.upload(CSV)
    await client.http.delete(f"/processing_file/{first}/")
    assert (await client.ends(waiting)).status == Status.OK
    for file_id in others:
        await client.http.delete(f"/processing_file/{file_id}/")


async def test_a_job_waits_for_memory_and_says_so(programs: Programs, client: Client) -> None:
    programs.web()
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    worker = programs.worker(JOB_MEMORY_MB=str(2 * total))
    file_id = await client.upload(CSV)

    async def said() -> bool:
        return "Queued files are waiting for memory" in (await client.http.get("/")).text

    await eventually(said)
    assert (await client.file(file_id)).status == Status.WAITING
    assert worker.stop() == 0
    programs.worker()
    assert (await client.ends(file_id)).status == Status.OK

    async def unsaid() -> bool:
        return "waiting for memory" not in (await client.http.get("/")).text

    await eventually(unsaid)


async def test_the_page_says_that_no_worker_runs(programs: Programs, client: Client) -> None:
    programs.web()

    async def says(words: str) -> bool:
        return words in (await client.http.get("/")).text

    await eventually(lambda: says("No worker is running"))
    programs.worker()

    async def unsaid() -> bool:
        return not await says("No worker is running")

    await eventually(unsaid)


class TestOwnServers:
    """What can only be done to servers of one's own."""

    @pytest.fixture
    def settings(self, own_servers: Servers, tmp_path: Path) -> Settings:
        return settings_on(own_servers, tmp_path, worker_slots=1, lease_seconds=2)

    async def test_redis_is_restarted_without_its_data(
        self, programs: Programs, client: Client, core: Core, own_servers: Servers
    ) -> None:
        programs.web()
        programs.worker()
        running = await client.upload(CSV, handler="emulate", seconds=3)
        waiting = [await client.upload(CSV) for _ in range(5)]
        await client.runs(running)
        own_servers.valkey.kill()
        for path in own_servers.valkey.folder.glob("appendonly*"):
            shutil.rmtree(path)
        own_servers.valkey.start()
        for file_id in (running, *waiting):
            file = await client.ends(file_id)
            assert (file.status, file.attempt) == (Status.OK, 1), file.message
        assert await core.commands.xlen(core.keys.jobs) == 0

    async def test_the_group_is_destroyed_while_jobs_wait_and_run(
        self, programs: Programs, client: Client, own_servers: Servers
    ) -> None:
        programs.web()
        programs.worker()
        running = await client.upload(CSV, handler="emulate", seconds=2)
        waiting = [await client.upload(CSV) for _ in range(5)]
        await client.runs(running)
        redis = command_client(own_servers.valkey.url)
        await redis.xgroup_destroy("millrace:jobs", "workers")
        for file_id in (running, *waiting):
            file = await client.ends(file_id)
            assert (file.status, file.attempt) == (Status.OK, 1), file.message

        async def empty() -> bool:
            return await redis.xlen("millrace:jobs") == 0

        await eventually(empty)
        await redis.aclose()

    async def test_nothing_is_acknowledged_before_it_is_committed(
        self, programs: Programs, client: Client, core: Core, own_servers: Servers
    ) -> None:
        programs.web()
        worker = programs.worker()
        file_id = await client.upload(CSV, handler="emulate", seconds=2)
        await client.runs(file_id)
        own_servers.postgres.kill()
        await eventually(lambda: "results wait" in worker.log)
        pending = await core.commands.xpending(core.keys.jobs, "workers")
        assert pending["pending"] == 1
        assert not [e for _, e in await core.events.read(START) if e and e.status == "Ok"]
        own_servers.postgres.start()
        file = await client.ends(file_id)
        assert (file.status, file.attempt) == (Status.OK, 1)

        async def announced() -> list[str]:
            events = [e for _, e in await core.events.read(START) if e]
            return [e.status for e in events if e.status in ("Ok", "Error")]

        assert await eventually(announced) == ["Ok"]


async def test_a_zombie_adds_no_event(programs: Programs, client: Client, core: Core) -> None:
    programs.web()
    zombie = programs.worker()
    file_id = await client.upload(CSV)
    await client.ends(file_id)
    file_id = await client.upload(CSV, handler="emulate", seconds=2)
    await client.runs(file_id)
    zombie.signal(signal.SIGSTOP)
    programs.worker()
    await client.ends(file_id)
    zombie.signal(signal.SIGCONT)
    await eventually(lambda: "no longer current" in zombie.log or "lease lost" in zombie.log)
    await asyncio.to_thread(zombie.stop)  # from here on it can say nothing more
    events = [e for _, e in await core.events.read(START) if e and e.file_id == file_id]
    statuses = [(e.attempt, e.status) for e in events if e.type == "status"]
    assert statuses == [(0, "Waiting"), (1, "Processing"), (2, "Processing"), (2, "Ok")]
