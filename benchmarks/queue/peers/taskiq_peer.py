"""taskiq: a Redis stream with acknowledgements, two processes on uvloop."""

import asyncio

from taskiq_redis import RedisStreamBroker

from job import REDIS_URL, Asynchronous

broker = RedisStreamBroker(url=REDIS_URL)
_job = Asynchronous()


@broker.task
async def grind(file_id: int) -> None:
    await _job.run(file_id)


_started: list[bool] = []


async def _enqueue(ids: list[int]) -> None:
    if not _started:
        await broker.startup()
        _started.append(True)
    for start in range(0, len(ids), 64):
        await asyncio.gather(*(grind.kiq(file_id) for file_id in ids[start : start + 64]))


_loop = asyncio.new_event_loop()


def enqueue(ids: list[int]) -> None:
    _loop.run_until_complete(_enqueue(ids))


WORKERS = [["taskiq", "worker", "taskiq_peer:broker", "--workers", "2",
            "--max-async-tasks", "32", "--log-level", "WARNING"]]  # fmt: skip
