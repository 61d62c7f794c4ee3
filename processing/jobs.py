"""The job stream: a wake-up with an id for every open file, delivered to one consumer group.

Entries are never trimmed, only deleted when their job is done, so XLEN is the backlog. The hash
beside the stream remembers which entry belongs to which file; both are shadows of the rows and
can be lost together or apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from processing.broker import BLOCK_MILLISECONDS, translate_redis_errors
from processing.errors import StreamLost

GROUP = "workers"
DEAD_LETTERS_KEPT = 10_000
_NO_FIELDS: Mapping[str, str] = MappingProxyType({})

_MISSING = """
local missing = {}
for _, file in ipairs(ARGV) do
    local entry = redis.call('HGET', KEYS[2], file)
    if not entry or #redis.call('XRANGE', KEYS[1], entry, entry) == 0 then
        missing[#missing + 1] = file
    end
end
return missing
"""


class Delivery(NamedTuple):
    """An entry handed to one consumer; ``file_id`` is None where the entry makes no sense."""

    entry_id: str
    file_id: int | None
    fields: Mapping[str, str] = _NO_FIELDS


def _delivery(entry_id: str, fields: Mapping[str, str] | None) -> Delivery:
    fields = fields or {}
    raw = fields.get("file_id", "")
    # 18 digits fit a bigint; longer ones are garbage from outside.
    file_id = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 18 else None
    return Delivery(entry_id, file_id, fields)


# Redis 7.0 answers a reader that was blocked while the key went away with UNBLOCKED, and XGROUP
# on a missing key with "requires the key to exist".
_LOST = ("NOGROUP", "UNBLOCKED", "The XGROUP subcommand requires the key")


@contextmanager
def _translate_stream_errors() -> Iterator[None]:
    """Turn a lost stream or group into StreamLost, besides what translate_redis_errors does."""
    with translate_redis_errors():
        try:
            yield
        except ResponseError as error:
            if str(error).startswith(_LOST):
                raise StreamLost(str(error)) from error
            raise


class Jobs:
    """Commands on ``<prefix>:jobs``, its group, its index and ``<prefix>:dead``."""

    def __init__(self, commands: Redis, reader: Redis, prefix: str) -> None:
        self.stream = f"{prefix}:jobs"
        self.index = f"{prefix}:jobs:entries"
        self.dead = f"{prefix}:dead"
        self._commands = commands
        self._reader = reader
        self._missing = commands.register_script(_MISSING)

    async def ensure_group(self) -> bool:
        """Create stream and group where they are missing; True if they were."""
        with translate_redis_errors():
            try:
                # From 0, never from $: entries that came before the group must be delivered too.
                await self._commands.xgroup_create(self.stream, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if str(error).startswith("BUSYGROUP"):
                    return False
                raise
        return True

    async def read(self, consumer: str, count: int) -> list[Delivery]:
        """Wait up to two seconds for new entries.

        Raises:
            StreamLost: the stream or its group is gone.
            RedisUnavailable: no answer.
        """
        with _translate_stream_errors():
            answer: Any = await self._reader.xreadgroup(
                GROUP, consumer, {self.stream: ">"}, count=count, block=BLOCK_MILLISECONDS
            )
        return [_delivery(*entry) for _, entries in answer for entry in entries]

    async def reclaim(self, consumer: str, idle_seconds: float, count: int) -> list[Delivery]:
        """Take over deliveries that no one has renewed for ``idle_seconds``.

        Raises:
            StreamLost: the stream or its group is gone.
            RedisUnavailable: no answer.
        """
        with _translate_stream_errors():
            answer = await self._commands.xautoclaim(
                self.stream, GROUP, consumer, int(idle_seconds * 1000), "0-0", count=count
            )
        return [_delivery(*entry) for entry in answer[1]]

    async def renew(self, consumer: str, entry_ids: Sequence[str]) -> None:
        """Reset the idle time of our deliveries; JUSTID leaves the delivery count alone."""
        if not entry_ids:
            return
        with _translate_stream_errors():
            await self._commands.xclaim(
                self.stream, GROUP, consumer, 0, list(entry_ids), idle=0, justid=True
            )

    async def missing(self, file_ids: Sequence[int]) -> set[int]:
        """Find those of ``file_ids`` that have no entry on the stream."""
        if not file_ids:
            return set()
        with translate_redis_errors():
            answer: Any = await self._missing(keys=[self.stream, self.index], args=list(file_ids))
        return {int(file_id) for file_id in answer}

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Move an entry that can never become a job to the dead-letter stream."""
        entry: dict[Any, Any] = {**delivery.fields, "entry_id": delivery.entry_id, "reason": reason}
        with translate_redis_errors():
            pipeline = self._commands.pipeline(transaction=True)
            pipeline.xadd(self.dead, entry, maxlen=DEAD_LETTERS_KEPT, approximate=True)
            pipeline.xack(self.stream, GROUP, delivery.entry_id)
            pipeline.xdel(self.stream, delivery.entry_id)
            await pipeline.execute()

    async def pending_of(self, consumer: str) -> list[Delivery]:
        """Read the deliveries that are pending in the name of ``consumer``."""
        with _translate_stream_errors():
            pending: Any = await self._commands.xpending_range(
                self.stream, GROUP, "-", "+", 10_000, consumername=consumer
            )
            pipeline = self._commands.pipeline(transaction=False)
            for entry in pending:
                pipeline.xrange(self.stream, entry["message_id"], entry["message_id"])
            found = await pipeline.execute() if pending else []
        return [_delivery(*entry) for entries in found for entry in entries]

    async def leave_group(self, consumer: str) -> None:
        """Delete the consumer. What were pending in its name would be lost: read it before."""
        with _translate_stream_errors():
            await self._commands.xgroup_delconsumer(self.stream, GROUP, consumer)
