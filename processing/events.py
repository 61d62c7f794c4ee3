"""The event stream: what changed, in order, for everyone who watches.

An entry names a file and its new status or progress; the row holds the rest. The entry's stream
id is the SSE id that browsers see.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Self

from redis.asyncio import Redis

from processing.stream_keys import StreamKeys
from processing.stream_reader import StreamReader


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


class Events(StreamReader):
    """Reads the event stream."""

    def __init__(self, commands: Redis, reader: Redis, keys: StreamKeys) -> None:
        super().__init__(commands, reader, keys.events)

    async def read(self, after: str) -> list[tuple[str, Event | None]]:
        """Wait up to two seconds for events after ``after``; None for entries of others.

        Raises:
            RedisUnavailable: no answer.
        """
        return [(entry_id, Event.parse(fields)) for entry_id, fields in await self.entries(after)]

    async def range(self, after: str, count: int) -> list[tuple[str, Event]]:
        """Read at most ``count`` events after ``after`` at once. Raises RedisUnavailable."""
        entries = await self.page(after, count)
        parsed = ((entry_id, Event.parse(fields)) for entry_id, fields in entries)
        return [(entry_id, event) for entry_id, event in parsed if event is not None]
