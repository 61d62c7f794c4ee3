"""Celery: prefork, acknowledged late."""

import threading

from celery import Celery

from job import REDIS_URL, Blocking

app = Celery("peer", broker=REDIS_URL)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=16,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
_local = threading.local()


@app.task
def grind(file_id: int) -> None:
    if not hasattr(_local, "job"):
        _local.job = Blocking()
    _local.job.run(file_id)


def enqueue(ids: list[int]) -> None:
    with app.producer_pool.acquire() as producer:
        for file_id in ids:
            grind.apply_async((file_id,), producer=producer)


WORKERS = [["celery", "-A", "celery_peer", "worker", "-P", "prefork", "-c", "2", "-l", "WARNING",
            "--without-gossip", "--without-mingle", "--without-heartbeat"]]  # fmt: skip
