"""What a consumer claims, and what it leaves alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from processing.core import Core
from processing.jobs import GROUP
from processing.states import Status
from tests.conftest import eventually
from tests.integration.steps import ME, claim_all, row_of, submit
from worker.consumer import Consumer
from worker.executor import Executor
from worker.limits import MIB, Limits
from worker.pool import Pool
from worker.recorder import Recorder

LIMITS = Limits(memory_bytes=1024 * MIB, output_bytes=1024 * MIB)


@pytest.fixture
def recorder(core: Core) -> Recorder:
    return Recorder(core.lifecycle, lambda: 1)


@pytest.fixture
async def executor(core: Core, recorder: Recorder) -> AsyncIterator[Executor]:
    pool = Pool(2, LIMITS)
    pool.start()
    yield Executor(pool, recorder, core.storage, LIMITS, max_failures=3)
    await pool.stop()


@asynccontextmanager
async def consuming(core: Core, executor: Executor) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(Consumer(core, executor, ME, stopping).run())
    yield
    stopping.set()
    await task


async def reclaimed_twice(core: Core) -> bool:
    pending: Any = await core.commands.xpending_range(core.keys.jobs, GROUP, "-", "+", 10)
    return [entry["times_delivered"] for entry in pending] >= [3]


# An outage of PostgreSQL can outlast the lease of a job that this worker has not lost.


async def test_a_worker_does_not_claim_its_own_running_job_again(
    core: Core, executor: Executor
) -> None:
    file = await submit(core, handler="emulate", options={"seconds": 600})
    (claimed,) = await claim_all(core, lease=0.01)
    executor.start(claimed)
    async with consuming(core, executor):
        await eventually(lambda: reclaimed_twice(core))
        assert (await row_of(core, file.id)).attempt == 1
        executor.revoke(file.id)
        await executor.wait_until_idle()


async def test_a_worker_does_not_claim_a_job_again_whose_result_it_has(
    core: Core, executor: Executor, recorder: Recorder
) -> None:
    file = await submit(core, handler="emulate", options={"seconds": 0})
    (claimed,) = await claim_all(core, lease=0.01)
    executor.start(claimed)
    async with consuming(core, executor):
        await eventually(lambda: reclaimed_twice(core))
        assert not executor.running
        recorder.stop()
        await recorder.run_results()
        row = await row_of(core, file.id)
        assert (row.status, row.attempt) == (Status.OK, 1)
        assert not executor.held()
