"""The job stream: one entry for every open file, delivered to one consumer group.

Entries are never trimmed, only deleted when their job is done, so XLEN is the backlog. A hash maps
each file to its entry. Stream and hash can be lost, together or separately: both are rebuilt from
the rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from processing.broker import BLOCK_MILLISECONDS, translate_redis_errors
from processing.errors import StreamLost
from processing.stream_keys import StreamKeys

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
    """An entry delivered to one consumer; ``file_id`` is None if the entry is invalid."""

    entry_id: str
    file_id: int | None
    fields: Mapping[str, str] = _NO_FIELDS


def _delivery(entry_id: str, fields: Mapping[str, str] | None) -> Delivery:
    fields = fields or {}
    raw = fields.get("file_id", "")
    # 18 digits fit a bigint; longer ones are garbage from outside.
    file_id = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 18 else None
    return Delivery(entry_id, file_id, fields)


# If the key is deleted, Redis 7.0 answers a blocked reader with UNBLOCKED, and XGROUP with
# "requires the key to exist".
_LOST = ("NOGROUP", "UNBLOCKED", "The XGROUP subcommand requires the key", "no such key")


@contextmanager
def _translate_stream_errors() -> Iterator[None]:
    """Raise StreamLost for a lost stream or group, and what translate_redis_errors raises."""
    with translate_redis_errors():
        try:
            yield
        except ResponseError as error:
            if str(error).startswith(_LOST):
                raise StreamLost(str(error)) from error
            raise


class Jobs:
    """Commands on the job stream, its consumer group, its entry hash and the dead letters."""

    def __init__(self, commands: Redis, reader: Redis, keys: StreamKeys) -> None:
        self._keys = keys
        self._commands = commands
        self._reader = reader
        self._missing = commands.register_script(_MISSING)

    async def ensure_group(self) -> bool:
        """Create the stream and the group if they are missing; return whether they were."""
        with translate_redis_errors():
            try:
                # From 0, never from $: entries older than the group must be delivered too.
                await self._commands.xgroup_create(self._keys.jobs, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if str(error).startswith("BUSYGROUP"):
                    return False
                raise
        return True

    async def read(self, consumer: str, count: int) -> list[Delivery]:
        """Wait up to two seconds for new entries.

        Raises:
            StreamLost: the stream or its group no longer exists.
            RedisUnavailable: no answer.
        """
        with _translate_stream_errors():
            answer: Any = await self._reader.xreadgroup(
                GROUP, consumer, {self._keys.jobs: ">"}, count=count, block=BLOCK_MILLISECONDS
            )
        return [_delivery(*entry) for _, entries in answer for entry in entries]

    async def reclaim(self, consumer: str, idle_seconds: float, count: int) -> list[Delivery]:
        """Take over deliveries that were not renewed for ``idle_seconds``.

        Raises:
            StreamLost: the stream or its group no longer exists.
            RedisUnavailable: no answer.
        """
        with _translate_stream_errors():
            answer = await self._commands.xautoclaim(
                self._keys.jobs, GROUP, consumer, int(idle_seconds * 1000), "0-0", count=count
            )
        return [_delivery(*entry) for entry in answer[1]]

    async def renew(self, consumer: str, entry_ids: Sequence[str]) -> None:
        """Reset the idle time of our deliveries; JUSTID leaves the delivery count alone."""
        if not entry_ids:
            return
        with _translate_stream_errors():
            await self._commands.xclaim(
                self._keys.jobs, GROUP, consumer, 0, list(entry_ids), idle=0, justid=True
            )

    async def missing(self, file_ids: Sequence[int]) -> set[int]:
        """Return the ``file_ids`` that have no entry on the stream. Raises RedisUnavailable."""
        if not file_ids:
            return set()
        with translate_redis_errors():
            answer: Any = await self._missing(
                keys=[self._keys.jobs, self._keys.job_entries], args=list(file_ids)
            )
        return {int(file_id) for file_id in answer}

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Move an entry that can never become a job to the dead-letter stream."""
        entry: dict[Any, Any] = {**delivery.fields, "entry_id": delivery.entry_id, "reason": reason}
        with translate_redis_errors():
            pipeline = self._commands.pipeline(transaction=True)
            pipeline.xadd(
                self._keys.dead_letters, entry, maxlen=DEAD_LETTERS_KEPT, approximate=True
            )
            pipeline.xack(self._keys.jobs, GROUP, delivery.entry_id)
            pipeline.xdel(self._keys.jobs, delivery.entry_id)
            await pipeline.execute()

    async def pending_of(self, consumer: str) -> list[Delivery]:
        """Read the deliveries that are pending for ``consumer``."""
        with _translate_stream_errors():
            pending: Any = await self._commands.xpending_range(
                self._keys.jobs, GROUP, "-", "+", 10_000, consumername=consumer
            )
            pipeline = self._commands.pipeline(transaction=False)
            for entry in pending:
                pipeline.xrange(self._keys.jobs, entry["message_id"], entry["message_id"])
            found = await pipeline.execute() if pending else []
        return [_delivery(*entry) for entries in found for entry in entries]

    async def leave_group(self, consumer: str) -> None:
        """Delete the consumer, and with it what is pending for it: read that first."""
        with _translate_stream_errors():
            await self._commands.xgroup_delconsumer(self._keys.jobs, GROUP, consumer)

    async def length(self) -> int:
        """Return the number of entries: jobs that wait or run. Raises RedisUnavailable."""
        with translate_redis_errors():
            return int(await self._commands.xlen(self._keys.jobs))

    async def consumers(self) -> dict[str, float]:
        """Return the seconds since each consumer of the group last sent a command.

        Raises:
            StreamLost: the stream or its group no longer exists.
            RedisUnavailable: no answer.
        """
        with _translate_stream_errors():
            found: Any = await self._commands.xinfo_consumers(self._keys.jobs, GROUP)
        return {consumer["name"]: consumer["idle"] / 1000 for consumer in found}
