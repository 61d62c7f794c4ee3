"""The durable job of every peer: two fenced changes of one row, each committed, each announced."""

import asyncio
import os
from typing import Any

EVENTS = "millrace:events"
DATABASE_URL = os.environ["DATABASE_URL"].replace("postgresql+asyncpg", "postgresql")
REDIS_URL = os.environ["REDIS_URL"]

START = (
    "UPDATE processing_file SET status = 'Processing', attempt = attempt + 1, started_at = now() "
    "WHERE id = {0} AND status = 'Waiting'"
)
FINISH = (
    "UPDATE processing_file SET status = 'Ok', outcome = 'succeeded', finished_at = now() "
    "WHERE id = {0} AND status = 'Processing'"
)


def _event(file_id: int, status: str) -> dict[Any, Any]:
    return {"type": "status", "file_id": file_id, "attempt": 1, "status": status}


class Blocking:
    """For workers that run jobs in threads or processes: one connection to each server."""

    def __init__(self) -> None:
        import psycopg
        import redis

        self._database = psycopg.connect(DATABASE_URL, autocommit=True, prepare_threshold=1)
        self._redis = redis.Redis.from_url(REDIS_URL)

    def run(self, file_id: int) -> None:
        """Do one job."""
        for statement, status in ((START, "Processing"), (FINISH, "Ok")):
            cursor = self._database.execute(statement.format("%s"), (file_id,))
            if cursor.rowcount == 1:
                self._redis.xadd(EVENTS, _event(file_id, status))


class Asynchronous:
    """For workers that run jobs in an event loop: a pool of connections to each server."""

    def __init__(self) -> None:
        self._ready: asyncio.Future[None] | None = None

    async def _connect(self) -> None:
        import asyncpg
        import redis.asyncio

        self._pool = await asyncpg.create_pool(DATABASE_URL, min_size=8, max_size=8)
        self._redis = redis.asyncio.Redis.from_url(REDIS_URL)

    async def run(self, file_id: int) -> None:
        """Do one job."""
        if self._ready is None:
            self._ready = asyncio.ensure_future(self._connect())
        await self._ready
        for statement, status in ((START, "Processing"), (FINISH, "Ok")):
            if (await self._pool.execute(statement.format("$1"), file_id)).endswith(" 1"):
                await self._redis.xadd(EVENTS, _event(file_id, status))
