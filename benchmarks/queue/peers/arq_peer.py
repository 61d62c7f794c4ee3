"""arq: two processes of sixteen jobs at once."""

import asyncio
from typing import Any, ClassVar

from arq import create_pool
from arq.connections import RedisSettings

from job import REDIS_URL, Asynchronous

_job = Asynchronous()


async def grind(_: dict[Any, Any], file_id: int) -> None:
    await _job.run(file_id)


class WorkerSettings:
    functions: ClassVar[list[Any]] = [grind]
    redis_settings = RedisSettings.from_dsn(REDIS_URL)
    max_jobs = 16
    poll_delay = 0.01
    keep_result = 0


_pool: list[Any] = []


async def _enqueue(ids: list[int]) -> None:
    if not _pool:
        _pool.append(await create_pool(WorkerSettings.redis_settings))
    for start in range(0, len(ids), 64):
        await asyncio.gather(
            *(_pool[0].enqueue_job("grind", file_id) for file_id in ids[start : start + 64])
        )


_loop = asyncio.new_event_loop()


def enqueue(ids: list[int]) -> None:
    _loop.run_until_complete(_enqueue(ids))


WORKERS = [["arq", "arq_peer.WorkerSettings"]] * 2
