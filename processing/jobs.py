"""The job stream: a wake-up with an id for every open file, delivered to one consumer group.

Entries are never trimmed, only deleted when their job is done, so XLEN is the backlog. The hash
beside the stream remembers which entry belongs to which file; both are shadows of the rows and
can be lost together or apart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from processing.broker import BLOCK_MILLISECONDS, reaching_redis
from processing.errors import StreamLost

GROUP = "workers"
DEAD_LETTERS_KEPT = 10_000

# One script, so that no worker can finish a job between its entry and the note of its entry.
_ADD = """
for i = 1, #ARGV, 2 do
    local entry = redis.call('XADD', KEYS[1], '*', 'file_id', ARGV[i], 'handler', ARGV[i + 1])
    redis.call('HSET', KEYS[2], ARGV[i], entry)
end
"""

# A rebuild may have given a running file a second entry; it goes with the first.
_DONE = """
local function finish(entry)
    redis.call('XACK', KEYS[1], ARGV[1], entry)
    redis.call('XDEL', KEYS[1], entry)
end
for i = 3, 2 + ARGV[2] do
    finish(ARGV[i])
end
for i = 3 + ARGV[2], #ARGV do
    local entry = redis.call('HGET', KEYS[2], ARGV[i])
    if entry then
        finish(entry)
        redis.call('HDEL', KEYS[2], ARGV[i])
    end
end
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An entry handed to one consumer; ``file_id`` is None where the entry makes no sense."""

    entry_id: str
    file_id: int | None
    fields: Mapping[str, str] = field(default_factory=dict)


def _delivery(entry_id: str, fields: Mapping[str, str] | None) -> Delivery:
    fields = fields or {}
    raw = fields.get("file_id", "")
    # 18 digits fit a bigint; longer ones are garbage from outside.
    file_id = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 18 else None
    return Delivery(entry_id, file_id, fields)


def _lost(error: ResponseError) -> bool:
    # Redis 7.0 answers a reader that was blocked while the key went away with UNBLOCKED.
    return str(error).startswith(("NOGROUP", "UNBLOCKED"))


@contextmanager
def _reaching_stream() -> Iterator[None]:
    """Turn a lost stream or group into StreamLost, besides what reaching_redis does."""
    with reaching_redis():
        try:
            yield
        except ResponseError as error:
            if _lost(error):
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
        self._add = commands.register_script(_ADD)
        self._done = commands.register_script(_DONE)

    async def ensure_group(self) -> bool:
        """Create stream and group where they are missing; True if they were."""
        with reaching_redis():
            try:
                # From 0, never from $: entries that came before the group must be delivered too.
                await self._commands.xgroup_create(self.stream, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if str(error).startswith("BUSYGROUP"):
                    return False
                raise
        return True

    async def add(self, files: Iterable[tuple[int, str]]) -> None:
        """Put (file id, handler name) pairs on the stream."""
        arguments = [part for file_id, handler in files for part in (str(file_id), handler)]
        if arguments:
            with reaching_redis():
                await self._add(keys=[self.stream, self.index], args=arguments)

    async def read(self, consumer: str, count: int) -> list[Delivery]:
        """Wait up to two seconds for new entries.

        Raises:
            StreamLost: the stream or its group is gone.
            RedisAway: no answer.
        """
        with _reaching_stream():
            answer: Any = await self._reader.xreadgroup(
                GROUP, consumer, {self.stream: ">"}, count=count, block=BLOCK_MILLISECONDS
            )
        return [_delivery(*entry) for _, entries in answer for entry in entries]

    async def reclaim(self, consumer: str, idle_seconds: float, count: int) -> list[Delivery]:
        """Take over deliveries that no one has renewed for ``idle_seconds``.

        Raises:
            StreamLost: the stream or its group is gone.
            RedisAway: no answer.
        """
        with _reaching_stream():
            answer = await self._commands.xautoclaim(
                self.stream, GROUP, consumer, int(idle_seconds * 1000), "0-0", count=count
            )
        return [_delivery(*entry) for entry in answer[1]]

    async def renew(self, consumer: str, entry_ids: Sequence[str]) -> None:
        """Reset the idle time of our deliveries; JUSTID leaves the delivery count alone."""
        if not entry_ids:
            return
        with _reaching_stream():
            await self._commands.xclaim(
                self.stream, GROUP, consumer, 0, list(entry_ids), idle=0, justid=True
            )

    async def done(self, deliveries: Iterable[Delivery]) -> None:
        """Acknowledge and delete entries; those with a file id: all that the file has."""
        deliveries = list(deliveries)
        entries = [delivery.entry_id for delivery in deliveries]
        files = [str(delivery.file_id) for delivery in deliveries if delivery.file_id is not None]
        await self._finish(entries, files)

    async def withdraw(self, file_id: int) -> None:
        """Take the entry of a file that shall not run off the stream."""
        await self._finish([], [str(file_id)])

    async def _finish(self, entries: Sequence[str], files: Sequence[str]) -> None:
        if entries or files:
            with reaching_redis():
                await self._done(
                    keys=[self.stream, self.index],
                    args=[GROUP, len(entries), *entries, *files],
                )

    async def missing(self, file_ids: Sequence[int]) -> set[int]:
        """Find those of ``file_ids`` that have no entry on the stream."""
        if not file_ids:
            return set()
        with reaching_redis():
            known = await self._commands.hmget(self.index, [str(file_id) for file_id in file_ids])
            indexed = [
                (file_id, entry)
                for file_id, entry in zip(file_ids, known, strict=True)
                if entry is not None
            ]
            pipeline = self._commands.pipeline(transaction=False)
            for _, entry in indexed:
                pipeline.xrange(self.stream, entry, entry)
            found = await pipeline.execute() if indexed else []
        present = {file_id for (file_id, _), hit in zip(indexed, found, strict=True) if hit}
        return set(file_ids) - present

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Move an entry that can never become a job to the dead-letter stream."""
        entry: dict[Any, Any] = {**delivery.fields, "entry_id": delivery.entry_id, "reason": reason}
        with reaching_redis():
            pipeline = self._commands.pipeline(transaction=True)
            pipeline.xadd(self.dead, entry, maxlen=DEAD_LETTERS_KEPT, approximate=True)
            pipeline.xack(self.stream, GROUP, delivery.entry_id)
            pipeline.xdel(self.stream, delivery.entry_id)
            await pipeline.execute()

    async def leave_group(self, consumer: str) -> None:
        """Give what is pending in our name to others at once, and delete the consumer."""
        with reaching_redis():
            try:
                pending: Any = await self._commands.xpending_range(
                    self.stream, GROUP, "-", "+", 10_000, consumername=consumer
                )
                found: list[Any] = []
                for entry in pending:
                    entry_id = entry["message_id"]
                    found += await self._commands.xrange(self.stream, entry_id, entry_id) or []
                await self._put_back([_delivery(*entry) for entry in found])
                # Deleting a consumer throws its pending entries away: there are none any more.
                await self._commands.xgroup_delconsumer(self.stream, GROUP, consumer)
            except ResponseError as error:
                if not (_lost(error) or "no such key" in str(error)):
                    raise

    async def _put_back(self, deliveries: Sequence[Delivery]) -> None:
        await self.add(
            (delivery.file_id, delivery.fields.get("handler", ""))
            for delivery in deliveries
            if delivery.file_id is not None
        )
        # Without the file ids: the index names the new entries now.
        await self.done(Delivery(delivery.entry_id, None) for delivery in deliveries)
