"""Tells Redis what a commit changed: events, new job entries and finished ones in one atomic call.

Everything a process announces goes through its one outbox, in the order in which it was handed in.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Self

from redis.asyncio import Redis

from processing.broker import translate_redis_errors
from processing.cancellations import MAX_CANCELLATIONS
from processing.jobs import GROUP, Delivery
from processing.models import Change, Job, ProcessingFile
from processing.repository import ProgressReport
from processing.stream_keys import StreamKeys

# How long Redis remembers the ends that were announced by other than who wrote them.
TOLD_SECONDS = 24 * 3600

# The payload is one JSON argument: Redis reads it faster than Python writes a thousand arguments.
# An entry that is done goes together with the entry that a rebuild may have given the same file.
_SEND = """
local jobs, index, events, told, cancels = unpack(KEYS)
local group, payload, kept = ARGV[1], cjson.decode(ARGV[2]), ARGV[3]
local function close(entries)
    redis.call('XACK', jobs, group, unpack(entries))
    return redis.call('XDEL', jobs, unpack(entries))
end
local function note(token)
    local new = redis.call('HSETNX', told, token, 1) == 1
    redis.call('EXPIRE', told, ARGV[4])
    return new
end
local function slices(list)
    local first = 1 - 1000
    return function()
        first = first + 1000
        if first <= #list then
            return {unpack(list, first, math.min(first + 999, #list))}
        end
    end
end
local any_told = redis.call('EXISTS', told) == 1
for _, item in ipairs(payload.events) do
    local when, kind, file, attempt, first, second, entry = unpack(item)
    local token = file .. ':' .. attempt .. ':'
    local say = true
    if when == 'if open' then
        say = redis.call('HEXISTS', index, file) == 1
    elseif when == 'once' then
        say = note(token .. first)
    elseif when == 'if pending' then
        say = close({entry}) == 1 and note(token .. first)
    elseif when == 'first' and any_told then
        local ends = {token .. first, token .. 'Canceled', token .. 'Removed'}
        for _, known in ipairs(redis.call('HMGET', told, unpack(ends))) do
            say = say and not known
        end
    elseif when == 'afresh' and any_told then
        redis.call('HDEL', told, token .. 'Canceled', token .. 'Error')
    end
    if say then
        local names = kind == 'progress' and {'progress', 'stage'} or {'status', 'outcome'}
        local fields = {'type', kind, 'file_id', file, 'attempt', attempt, names[1], first}
        if second ~= '' then
            fields[9], fields[10] = names[2], second
        end
        redis.call('XADD', events, 'MAXLEN', '~', kept, '*', unpack(fields))
        if first == 'Canceled' then
            redis.call('XADD', cancels, 'MAXLEN', '~', ARGV[5], '*',
                       'file_id', file, 'attempt', attempt)
        end
    end
end
for _, job in ipairs(payload.queue) do
    local entry = redis.call('XADD', jobs, '*', 'file_id', job[1], 'handler', job[2])
    redis.call('HSET', index, job[1], entry)
end
local closed = {}
for _, entry in ipairs(payload.entries) do
    closed[entry] = true
end
for entries in slices(payload.entries) do
    close(entries)
end
for files in slices(payload.files) do
    local others = {}
    for _, entry in ipairs(redis.call('HMGET', index, unpack(files))) do
        if entry and not closed[entry] then
            others[#others + 1] = entry
        end
    end
    if #others > 0 then
        close(others)
    end
    redis.call('HDEL', index, unpack(files))
end
"""


class AnnounceWhen(StrEnum):
    """When an event is really sent; together they let every end be told exactly once."""

    ALWAYS = "always"
    # Of work that goes on: not if its end was told while the sender was held up.
    IF_OPEN = "if open"
    # By who wrote the end, the first time it tries: unless someone else told it, or a later end.
    FIRST = "first"
    # In someone's stead, or repeated after an unclear answer: only if the job entry is still
    # there. Its deletion and the event are one step, so the entry proves that nobody told it.
    IF_PENDING = "if pending"
    # Of an end that has no entry of its own: by whoever comes first.
    ONCE = "once"
    # Of a file that a user tries again: its next end may be the same as its last.
    AFRESH = "afresh"


class Notice(NamedTuple):
    """An event on its way out: the fields in the order in which the script reads them.

    ``first`` and ``second`` are status and outcome, or progress and stage. ``entry_id`` is the
    proof that IF_PENDING asks for.
    """

    when: str
    type: str
    file_id: str
    attempt: str
    first: str
    second: str
    entry_id: str

    @classmethod
    def status(
        cls,
        change: Change | Job | ProcessingFile,
        when: AnnounceWhen = AnnounceWhen.ALWAYS,
        entry_id: str = "",
    ) -> Self:
        """Announce the status that a row has."""
        file_id, attempt = str(change.id), str(change.attempt)
        return cls(when, "status", file_id, attempt, change.status, change.outcome or "", entry_id)

    @classmethod
    def progress(cls, report: ProgressReport) -> Self:
        """Announce how far a running attempt is."""
        where = str(report.id), str(report.attempt)
        return cls(
            AnnounceWhen.IF_OPEN,
            "progress",
            *where,
            f"{report.progress:.3f}",
            report.stage or "",
            "",
        )


class Outbox:
    """One for a process; ``kept`` bounds the length of the event stream, about."""

    def __init__(self, commands: Redis, keys: StreamKeys, kept: int) -> None:
        self._keys = [
            keys.jobs,
            keys.job_entries,
            keys.events,
            keys.announced,
            keys.cancellations,
        ]
        self._kept = kept
        self._script = commands.register_script(_SEND)
        # A lock is fair: what is handed in first is sent first, also over several connections.
        self._turn = asyncio.Lock()

    async def send(
        self,
        notices: Iterable[Notice] = (),
        *,
        queue: Iterable[tuple[int, str]] = (),
        done: Sequence[Delivery] = (),
        withdraw: Iterable[int] = (),
    ) -> None:
        """Send, in this order: events, new entries, the end of entries.

        ``queue``: (file id, handler name) pairs that get an entry. ``done``: entries to
        acknowledge and delete; of those with a file id every entry that the file has.
        ``withdraw``: files whose entry, if any, shall go.

        Raises:
            RedisUnavailable: no answer; it may have been sent all the same.
        """
        payload: dict[str, list[Any]] = {
            "events": list(notices),
            "queue": [(str(file_id), handler) for file_id, handler in queue],
            "entries": [delivery.entry_id for delivery in done],
            "files": [str(delivery.file_id) for delivery in done if delivery.file_id is not None],
        }
        payload["files"] += map(str, withdraw)
        if not any(payload.values()):
            return
        async with self._turn:
            with translate_redis_errors():
                await self._script(
                    keys=self._keys,
                    args=[GROUP, json.dumps(payload), self._kept, TOLD_SECONDS, MAX_CANCELLATIONS],
                )
