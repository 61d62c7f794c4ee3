"""Real programs under load while everything around them breaks; then the guarantees are checked.

CHAOS_SEED repeats a run's choices, CHAOS_SECONDS makes it longer: `make chaos`.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from processing import recovery, repository
from processing.core import Core
from processing.models import ProcessingFile
from processing.settings import Settings
from processing.states import TERMINAL_STATUSES, Status
from processing.stream_reader import START
from tests.chaos.load import DELETED, ENDS, Load, Watcher
from tests.chaos.monkey import Monkey
from tests.conftest import Servers, eventually, settings_on
from tests.programs import Programs

SECONDS = float(os.environ.get("CHAOS_SECONDS", "120"))


@pytest.fixture
def settings(own_servers: Servers, tmp_path: Path) -> Settings:
    return settings_on(
        own_servers,
        tmp_path,
        worker_slots=2,
        lease_seconds=2,
        grace_seconds=1,
        max_failures=1000,  # a job is not at fault for what happens to its workers here
    )


async def all_files(core: Core) -> list[ProcessingFile]:
    async with core.database.connect() as connection:
        return (await repository.list_files(connection, limit=100_000)).files


def processes_of(media: Path) -> list[str]:
    """Command lines of all processes that were given this media folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and f"MEDIA_ROOT={media}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


async def test_every_guarantee_holds_whatever_breaks(
    programs: Programs, settings: Settings, core: Core, own_servers: Servers
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    programs.web()
    programs.worker()
    programs.worker()
    load = Load(programs.address, seed)
    watcher = Watcher(programs.address)
    monkey = Monkey(programs, own_servers, seed)
    stopping = asyncio.Event()
    loading = asyncio.create_task(load.run(stopping))
    watching = asyncio.create_task(watcher.run())
    try:
        await monkey.run(SECONDS)
        stopping.set()
        await loading
        await settle(core)
        await check_guarantees(core, load, watcher)
    finally:
        print(f"\nCHAOS_SEED={seed} CHAOS_SECONDS={SECONDS:g}", *monkey.done, sep="\n  ")
        print(
            f"  {len(load.accepted)} accepted, {load.refused} refused, "
            f"{watcher.events} events over {watcher.connections} connections, {watcher.gaps} gaps"
        )
        stopping.set()
        watching.cancel()
        await asyncio.gather(loading, watching, return_exceptions=True)
        await load.close()
    programs.stop()
    await eventually(lambda: not processes_of(settings.media_root))


async def settle(core: Core) -> None:
    """Wait until nothing is open, nothing is pending and nothing is left on the stream."""

    async def quiet() -> bool:
        open_files = [file.id for file in await all_files(core) if not file.terminal]
        try:
            pending = await core.commands.xpending(core.keys.jobs, "workers")
        except ResponseError:  # wiped a moment ago, not rebuilt yet
            return False
        return (
            not open_files
            and pending["pending"] == 0
            and await core.commands.xlen(core.keys.jobs) == 0
            and await core.commands.hlen(core.keys.job_entries) == 0
        )

    await eventually(quiet, 120)


async def check_guarantees(core: Core, load: Load, watcher: Watcher) -> None:
    files = {file.id: file for file in await all_files(core)}
    assert len(load.accepted) > 20
    assert set(load.accepted) <= set(files)
    for file_id, kind in load.accepted.items():
        allowed = ENDS[kind] | (DELETED if file_id in load.deleted else set())
        file = files[file_id]
        assert file.status in allowed, (kind, file.outcome, file.message, file)

    newest = {file.id: file.status.lower() for file in sorted_newest(files)[:50]}
    await eventually(lambda: watcher.statuses() == newest)

    await check_events(core, files)
    await check_disk(core, files)


def sorted_newest(files: dict[int, ProcessingFile]) -> list[ProcessingFile]:
    return sorted(files.values(), key=lambda file: -file.id)


async def check_events(core: Core, files: dict[int, ProcessingFile]) -> None:
    """No result is announced twice, and the last event of every file is its status."""
    announced: dict[int, list[tuple[int, str]]] = {}
    cursor = START
    while entries := await core.events.read(cursor):
        cursor = entries[-1][0]
        for _, event in entries:
            assert event is not None
            if event.type == "status":
                announced.setdefault(event.file_id, []).append((event.attempt, event.status))
    for file_id, changes in announced.items():
        ends = [change for change in changes if change[1] in TERMINAL_STATUSES]
        assert len(ends) == len(set(ends)), (files[file_id], changes)
        assert changes[-1] == (files[file_id].attempt, files[file_id].status), changes
    print(f"  the events of {len(announced)} files agree with their rows")


async def check_disk(core: Core, files: dict[int, ProcessingFile]) -> None:
    """Every file has its data and nothing else has any."""
    # What a killed web left half-way is swept after an hour; here, now.
    core.storage.delete_abandoned_partials(older_than=0)
    kept = {file.id for file in files.values() if file.status != Status.REMOVED}

    async def tidied() -> bool:
        await core.recovery.clean_up()  # does nothing while a worker is at it
        return {file_id for file_id, _ in core.storage.stored_ids()} == kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "ORPHAN_SECONDS", 0.0)
        await eventually(tidied)
    for file in files.values():
        folder = core.storage.original(file.id).parent
        if file.status == Status.REMOVED:
            continue
        expected = {"original"} | ({str(file.attempt)} if file.artifacts else set())
        assert {path.name for path in folder.iterdir()} == expected, file
        if file.artifacts:
            made = {artifact["name"] for artifact in file.artifacts}
            assert {path.name for path in (folder / str(file.attempt)).iterdir()} == made
