"""Following a stream that many may read, from any entry on."""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from processing.broker import BLOCK_MILLISECONDS, translate_redis_errors

START = "0-0"


class StreamReader:
    """Reading one stream without a group."""

    def __init__(self, commands: Redis, reader: Redis, stream: str) -> None:
        self.stream = stream
        self._commands = commands
        self._reader = reader

    async def last_id(self) -> str:
        """Id of the newest entry; ``0-0`` on an empty stream. Raises RedisUnavailable."""
        with translate_redis_errors():
            newest: Any = await self._commands.xrevrange(self.stream, count=1)
        return newest[0][0] if newest else START

    async def holds(self, entry_id: str) -> bool:
        """Whether the entry is still on the stream: only then can a reader resume after it."""
        with translate_redis_errors():
            return bool(await self._commands.xrange(self.stream, entry_id, entry_id))

    async def entries(self, after: str) -> list[tuple[str, Mapping[str, str]]]:
        """Wait up to two seconds for (id, fields) after ``after``.

        Raises:
            RedisUnavailable: no answer.
        """
        with translate_redis_errors():
            answer: Any = await self._reader.xread(
                {self.stream: after}, count=1000, block=BLOCK_MILLISECONDS
            )
        return [entry for _, entries in answer for entry in entries]

    async def page(self, after: str, count: int) -> list[tuple[str, Mapping[str, str]]]:
        """Read at most ``count`` of (id, fields) after ``after`` without waiting.

        Raises:
            RedisUnavailable: no answer.
        """
        with translate_redis_errors():
            found: Any = await self._commands.xrange(self.stream, min=f"({after}", count=count)
        return list(found)
