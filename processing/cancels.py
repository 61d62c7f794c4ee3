"""The stream of cancels: what workers must hear at once, without reading every event.

Nothing depends on it: a cancel that is missed here is found by the next heartbeat.
"""

from typing import Any

from redis.asyncio import Redis

from processing.broker import BLOCK_MILLISECONDS, reaching_redis
from processing.events import START

CANCELS_KEPT = 1000


class Cancels:
    """Reading ``<prefix>:cancels``."""

    def __init__(self, commands: Redis, reader: Redis, prefix: str) -> None:
        self.stream = f"{prefix}:cancels"
        self._commands = commands
        self._reader = reader

    async def last_id(self) -> str:
        """Id of the newest entry; ``0-0`` on an empty stream. Raises RedisAway."""
        with reaching_redis():
            newest: Any = await self._commands.xrevrange(self.stream, count=1)
        return newest[0][0] if newest else START

    async def read(self, after: str) -> list[tuple[str, int, int]]:
        """Wait up to two seconds for (entry id, file id, attempt) after entry ``after``.

        Raises:
            RedisAway: no answer.
        """
        with reaching_redis():
            answer: Any = await self._reader.xread(
                {self.stream: after}, count=1000, block=BLOCK_MILLISECONDS
            )
        return [
            (entry_id, int(fields["file_id"]), int(fields["attempt"]))
            for _, entries in answer
            for entry_id, fields in entries
        ]
