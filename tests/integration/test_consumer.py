"""What a consumer claims, and what it leaves alone."""

import asyncio
from pathlib import Path
from typing import Any

from processing.core import Core
from processing.jobs import GROUP
from tests.conftest import eventually
from tests.integration.steps import ME, claim_all, row_of, submit
from worker.consumer import Consumer
from worker.executor import Executor
from worker.limits import MIB, Limits
from worker.pool import Pool
from worker.recorder import Recorder


async def test_a_worker_does_not_take_its_own_running_job_again(core: Core, tmp_path: Path) -> None:
    """An outage of PostgreSQL can outlast the lease, while the job still runs here."""
    limits = Limits(memory_bytes=1024 * MIB, output_bytes=1024 * MIB)
    pool = Pool(2, limits)
    pool.start()
    recorder = Recorder(core.lifecycle, lambda: 1)
    executor = Executor(pool, recorder, core.storage, limits, max_failures=3)
    file = await submit(core, handler="emulate", options={"seconds": 600})
    (claimed,) = await claim_all(core, lease=0.01)
    executor.start(claimed)
    stopping = asyncio.Event()
    consuming = asyncio.create_task(Consumer(core, executor, ME, stopping).run())

    async def reclaimed_twice() -> bool:
        pending: Any = await core.commands.xpending_range(core.keys.jobs, GROUP, "-", "+", 10)
        return [entry["times_delivered"] for entry in pending] >= [3]

    await eventually(reclaimed_twice)
    assert (await row_of(core, file.id)).attempt == 1
    assert executor.held() == {file.id: 1}
    executor.revoke(file.id)
    await executor.wait_until_idle()
    stopping.set()
    await consuming
    await pool.stop()
