"""The event stream: what changed, in order, for everyone who watches.

Entries name a file and what became of it; the rows hold the rest. An entry's stream id is the
SSE id that browsers see.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Self

from redis.asyncio import Redis

from processing.broker import BLOCK_MILLISECONDS, reaching_redis

START = "0-0"


class Event(NamedTuple):
    """A change of one file: its status, or the progress (0–1) of its running attempt."""

    type: Literal["status", "progress"]
    file_id: int
    attempt: int
    status: str = ""
    outcome: str = ""
    progress: str = ""
    stage: str = ""

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> Self | None:
        """Read an entry; None for one that we did not write."""
        kind, file_id, attempt = (fields.get(name, "") for name in ("type", "file_id", "attempt"))
        if kind not in ("status", "progress") or not (file_id.isdigit() and attempt.isdigit()):
            return None
        return cls(
            type="status" if kind == "status" else "progress",
            file_id=int(file_id),
            attempt=int(attempt),
            status=fields.get("status", ""),
            outcome=fields.get("outcome", ""),
            progress=fields.get("progress", ""),
            stage=fields.get("stage", ""),
        )


class Events:
    """Reading ``<prefix>:events``."""

    def __init__(self, commands: Redis, reader: Redis, prefix: str) -> None:
        self.stream = f"{prefix}:events"
        self._commands = commands
        self._reader = reader

    async def last_id(self) -> str:
        """Id of the newest entry; ``0-0`` on an empty stream."""
        with reaching_redis():
            newest: Any = await self._commands.xrevrange(self.stream, count=1)
        return newest[0][0] if newest else START

    async def holds(self, entry_id: str) -> bool:
        """Whether the entry is still on the stream: only then can a reader resume after it."""
        with reaching_redis():
            return bool(await self._commands.xrange(self.stream, entry_id, entry_id))

    async def read(self, after: str) -> list[tuple[str, Event | None]]:
        """Wait up to two seconds for entries after ``after``.

        Raises:
            RedisAway: no answer.
        """
        with reaching_redis():
            answer: Any = await self._reader.xread(
                {self.stream: after}, count=1000, block=BLOCK_MILLISECONDS
            )
        return [
            (entry_id, Event.parse(fields)) for _, entries in answer for entry_id, fields in entries
        ]
