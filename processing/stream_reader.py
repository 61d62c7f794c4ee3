"""Reads a stream without a consumer group, from any entry on."""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from processing.broker import BLOCK_MILLISECONDS, translate_redis_errors

START = "0-0"


class StreamReader:
    """A reader of one stream; any number of readers can follow it."""

    def __init__(self, commands: Redis, reader: Redis, stream: str) -> None:
        self._stream = stream
        self._commands = commands
        self._reader = reader

    async def last_id(self) -> str:
        """Return the id of the newest entry; ``0-0`` if there is none. Raises RedisUnavailable."""
        with translate_redis_errors():
            newest: Any = await self._commands.xrevrange(self._stream, count=1)
        return newest[0][0] if newest else START

    async def holds(self, entry_id: str) -> bool:
        """Whether the entry is still on the stream, so that a reader can resume after it."""
        with translate_redis_errors():
            return bool(await self._commands.xrange(self._stream, entry_id, entry_id))

    async def entries(self, after: str) -> list[tuple[str, Mapping[str, str]]]:
        """Wait up to two seconds for (id, fields) after ``after``.

        Raises:
            RedisUnavailable: no answer.
        """
        with translate_redis_errors():
            answer: Any = await self._reader.xread(
                {self._stream: after}, count=1000, block=BLOCK_MILLISECONDS
            )
        return [entry for _, entries in answer for entry in entries]

    async def page(self, after: str, count: int) -> list[tuple[str, Mapping[str, str]]]:
        """Read at most ``count`` of (id, fields) after ``after`` without waiting.

        Raises:
            RedisUnavailable: no answer.
        """
        with translate_redis_errors():
            found: Any = await self._commands.xrange(self._stream, min=f"({after}", count=count)
        return list(found)
