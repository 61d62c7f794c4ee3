"""saq: two processes of sixteen jobs at once."""

import asyncio

from saq import Queue

from job import REDIS_URL, Asynchronous

queue = Queue.from_url(REDIS_URL, name="peer")
_job = Asynchronous()


async def grind(_: object, *, file_id: int) -> None:
    await _job.run(file_id)


settings = {"queue": queue, "functions": [grind], "concurrency": 16, "dequeue_timeout": 1}


async def _enqueue(ids: list[int]) -> None:
    await queue.connect()
    for start in range(0, len(ids), 64):
        await asyncio.gather(
            *(
                queue.enqueue("grind", file_id=file_id, ttl=-1)
                for file_id in ids[start : start + 64]
            )
        )


_loop = asyncio.new_event_loop()


def enqueue(ids: list[int]) -> None:
    _loop.run_until_complete(_enqueue(ids))


WORKERS = [["saq", "saq_peer.settings", "--quiet"]] * 2
