"""Children: what they answer, how they die, and what is left of them."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import eventually
from tests.programs import alive, descendants
from worker.pool import Child, ChildDied, Pool

MEMORY = 1024 * 1024 * 1024


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    started = Pool(1, MEMORY)
    started.start()
    yield started
    await started.stop()


def task(folder: Path, handler: str = "emulate", data: bytes = b"a\n1\n", **options: Any) -> Any:
    source, work = folder / "original", folder / "1"
    source.write_bytes(data)
    work.mkdir(exist_ok=True)
    return {
        "handler": handler,
        "name": "a.csv",
        "source": str(source),
        "folder": str(work),
        "options": options,
    }


async def run(pool: Pool, message: Any) -> dict[str, Any]:
    child = pool.checkout()
    try:
        return await child.perform(message, lambda progress, stage: None)
    finally:
        pool.checkin(child)


async def test_a_child_answers_again_and_again(pool: Pool, tmp_path: Path) -> None:
    pids = set()
    for _ in range(5):
        child = pool.checkout()
        answer = await child.perform(task(tmp_path, seconds=0), lambda progress, stage: None)
        pids.add(child.pid)
        pool.checkin(child)
        assert answer["type"] == "result"
        assert answer["peak_rss"] > 1_000_000
    assert len(pids) == 1


async def test_progress_arrives_while_the_child_works(pool: Pool, tmp_path: Path) -> None:
    seen: list[float] = []
    child = pool.checkout()
    await child.perform(task(tmp_path, seconds=2), lambda progress, _: seen.append(progress))
    pool.checkin(child)
    assert len(seen) > 2
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("handler", "options", "outcome", "words"),
    [
        ("emulate", {"seconds": -1}, "bad input", "seconds"),
        ("emulate", {"second": 1}, "bad input", "second"),
        ("nonsense", {}, "bad input", "No handler is called 'nonsense'"),
    ],
)
async def test_what_the_handler_rejects(
    pool: Pool, tmp_path: Path, handler: str, options: Any, outcome: str, words: str
) -> None:
    answer = await run(pool, task(tmp_path, handler, **options))
    assert (answer["type"], answer["outcome"]) == ("error", outcome)
    assert words in answer["message"]


async def start_burning(child: Child, folder: Path) -> asyncio.Task[dict[str, Any]]:
    began = asyncio.Event()
    work = child.perform(task(folder, seconds=600), lambda progress, stage: began.set())
    burning = asyncio.create_task(work)
    await began.wait()
    return burning


async def test_a_killed_child_is_dead_at_once_and_its_slot_goes_on(
    pool: Pool, tmp_path: Path
) -> None:
    took = []
    for _ in range(10):
        child = pool.checkout()
        burning = await start_burning(child, tmp_path)
        start = time.monotonic()
        child.kill()
        with pytest.raises(ChildDied) as died:
            await burning
        took.append(time.monotonic() - start)
        assert died.value.exitcode == -9
        assert not alive(child.pid)
        pool.checkin(child)
        assert (await run(pool, task(tmp_path, seconds=0)))["type"] == "result"
    print(f"killed and reaped after {1000 * max(took):.1f} ms at most")


async def test_a_child_that_dies_by_itself_is_replaced(pool: Pool, tmp_path: Path) -> None:
    child = pool.checkout()
    burning = await start_burning(child, tmp_path)
    os.kill(child.pid, 11)
    with pytest.raises(ChildDied) as died:
        await burning
    assert died.value.exitcode == -11
    pool.checkin(child)
    assert (await run(pool, task(tmp_path, seconds=0)))["type"] == "result"


async def test_a_child_that_died_while_it_waited_costs_no_job(pool: Pool, tmp_path: Path) -> None:
    child = pool.checkout()
    pool.checkin(child)
    os.kill(child.pid, 9)
    await eventually(lambda: not child.alive)
    assert (await run(pool, task(tmp_path, seconds=0)))["type"] == "result"


async def test_nothing_is_left_of_a_stopped_pool(tmp_path: Path) -> None:
    pool = Pool(3, MEMORY)
    pool.start()
    await run(pool, task(tmp_path, seconds=0))
    await pool.stop()

    def children() -> list[str]:
        lines = descendants(os.getpid()).values()
        return [line for line in lines if "forkserver" in line]

    # The fork server itself stays for the next pool of this process.
    await eventually(lambda: len(children()) <= 1)
