"""huey: two processes of eight threads; a job that its worker loses is lost (at most once)."""

import threading

from huey import RedisHuey

from job import REDIS_URL, Blocking

huey = RedisHuey("peer", url=REDIS_URL, results=False, blocking=True)
_local = threading.local()


@huey.task()
def grind(file_id: int) -> None:
    if not hasattr(_local, "job"):
        _local.job = Blocking()
    _local.job.run(file_id)


def enqueue(ids: list[int]) -> None:
    for file_id in ids:
        grind(file_id)


WORKERS = [["huey_consumer", "huey_peer.huey", "-w", "8", "-k", "thread", "-n", "-q"]] * 2
