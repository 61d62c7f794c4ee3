"""Tells Redis what a commit changed: events, new job entries and finished ones in one atomic call.

Everything a process announces goes through its one outbox, in the order in which it was handed in.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from redis.asyncio import Redis

from processing.broker import reaching_redis
from processing.events import Event
from processing.jobs import GROUP, Delivery

# How long Redis remembers the ends that were announced by other than who wrote them.
TOLD_SECONDS = 24 * 3600

# The payload is one JSON argument: Redis reads it faster than Python writes a thousand arguments.
# An entry that is done goes together with the entry that a rebuild may have given the same file.
_SEND = """
local payload = cjson.decode(ARGV[2])
local function close(entry)
    redis.call('XACK', KEYS[1], ARGV[1], entry)
    return redis.call('XDEL', KEYS[1], entry) == 1
end
local function note(token)
    redis.call('EXPIRE', KEYS[4], ARGV[4])
    return redis.call('HSETNX', KEYS[4], token, 1) == 1
end
for _, item in ipairs(payload.events) do
    local how, token, entry, fields = item[1], item[2], item[3], item[4]
    local say = true
    if how == 'first' then
        say = redis.call('HEXISTS', KEYS[4], token) == 0
    elseif how == 'once' then
        say = note(token)
    elseif how == 'if pending' then
        say = close(entry) and note(token)
    elseif how == 'afresh' then
        redis.call('HDEL', KEYS[4], token .. 'Canceled', token .. 'Error')
    end
    if say then
        redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', unpack(fields))
    end
end
for _, job in ipairs(payload.queue) do
    local entry = redis.call('XADD', KEYS[1], '*', 'file_id', job[1], 'handler', job[2])
    redis.call('HSET', KEYS[2], job[1], entry)
end
for _, entry in ipairs(payload.entries) do
    close(entry)
end
for _, file in ipairs(payload.files) do
    local entry = redis.call('HGET', KEYS[2], file)
    if entry then
        close(entry)
        redis.call('HDEL', KEYS[2], file)
    end
end
"""


class How(StrEnum):
    """When an event is really sent; together they let every end be told exactly once."""

    ALWAYS = "always"
    # By who wrote the end, the first time it tries: unless someone else did it in its stead.
    FIRST = "first"
    # In someone's stead, or repeated after an unclear answer: only if the job entry is still
    # there. Its deletion and the event are one step, so the entry proves that nobody told it.
    IF_PENDING = "if pending"
    # Of an end that has no entry of its own: by whoever comes first.
    ONCE = "once"
    # Of a file that a user tries again: its next end may be the same as its last.
    AFRESH = "afresh"


@dataclass(frozen=True, slots=True)
class Notice:
    """An event and when to send it; ``entry_id`` is the proof that IF_PENDING asks for."""

    event: Event
    how: How = How.ALWAYS
    entry_id: str = ""

    def packed(self) -> list[object]:
        """What the script reads."""
        event = self.event
        token = f"{event.file_id}:{event.attempt}:"
        if self.how != How.AFRESH:
            token += event.status
        return [self.how, token, self.entry_id, event.flat()]


class Outbox:
    """One for a process; ``kept`` bounds the length of the event stream, about."""

    def __init__(self, commands: Redis, prefix: str, kept: int) -> None:
        self._keys = [f"{prefix}:jobs", f"{prefix}:jobs:entries", f"{prefix}:events"]
        self.told = f"{prefix}:events:told"
        self._kept = kept
        self._script = commands.register_script(_SEND)
        # A lock is fair: what is handed in first is sent first, also over several connections.
        self._turn = asyncio.Lock()

    async def send(
        self,
        notices: Iterable[Notice] = (),
        *,
        queue: Iterable[tuple[int, str]] = (),
        done: Iterable[Delivery] = (),
        withdraw: Iterable[int] = (),
    ) -> None:
        """Send, in this order: events, new entries, the end of entries.

        ``queue``: (file id, handler name) pairs that get an entry. ``done``: entries to
        acknowledge and delete; of those with a file id every entry that the file has.
        ``withdraw``: files whose entry, if any, shall go.

        Raises:
            RedisAway: no answer; it may have been sent all the same.
        """
        done = list(done)
        files = [str(delivery.file_id) for delivery in done if delivery.file_id is not None]
        payload = {
            "events": [notice.packed() for notice in notices],
            "queue": [(str(file_id), handler) for file_id, handler in queue],
            "entries": [delivery.entry_id for delivery in done],
            "files": [*files, *map(str, withdraw)],
        }
        if not any(payload.values()):
            return
        async with self._turn:
            with reaching_redis():
                await self._script(
                    keys=[*self._keys, self.told],
                    args=[GROUP, json.dumps(payload), self._kept, TOLD_SECONDS],
                )
