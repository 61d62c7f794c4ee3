"""rq: two workers that run jobs in their own process, since a fork for each would cost more."""

from redis import Redis
from rq import Queue

from job import REDIS_URL, Blocking

queue = Queue("peer", connection=Redis.from_url(REDIS_URL))
_jobs: list[Blocking] = []


def grind(file_id: int) -> None:
    if not _jobs:
        _jobs.append(Blocking())
    _jobs[0].run(file_id)


def enqueue(ids: list[int]) -> None:
    for start in range(0, len(ids), 500):
        queue.enqueue_many(
            [
                Queue.prepare_data("rq_peer.grind", (file_id,), result_ttl=0)
                for file_id in ids[start : start + 500]
            ]
        )


WORKERS = [["rq", "worker", "-u", REDIS_URL, "-w", "rq.SimpleWorker", "--quiet", "peer"]] * 2
