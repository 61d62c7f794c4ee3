"""dramatiq: two processes of eight threads; it acknowledges after the job."""

import threading

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from job import REDIS_URL, Blocking

broker = RedisBroker(url=REDIS_URL)
dramatiq.set_broker(broker)
_local = threading.local()


@dramatiq.actor(max_retries=3)
def grind(file_id: int) -> None:
    if not hasattr(_local, "job"):
        _local.job = Blocking()
    _local.job.run(file_id)


def enqueue(ids: list[int]) -> None:
    for file_id in ids:
        grind.send(file_id)


WORKERS = [["dramatiq", "dramatiq_peer", "--processes", "2", "--threads", "8"]]
