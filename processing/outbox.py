"""Publishes what a commit changed: events, new job entries and deleted ones, in one atomic call.

Everything that a process announces goes through its one outbox, in the order of the calls.
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

# How long Redis remembers results that were announced on another process's behalf.
ANNOUNCED_SECONDS = 24 * 3600
# How long a requeue may take, from reading what is missing to adding the entries.
REQUEUE_SECONDS = 60

# The payload is one JSON argument: Redis parses it faster than Python encodes a thousand arguments.
# A finished file also loses the second entry that a rebuild may have given it.
_SEND = """
local jobs, job_entries, events, announced, cancellations = unpack(KEYS)
local group, payload, events_kept = ARGV[1], cjson.decode(ARGV[2]), ARGV[3]
local function delete_entries(entries)
    redis.call('XACK', jobs, group, unpack(entries))
    return redis.call('XDEL', jobs, unpack(entries))
end
local function mark_announced(token)
    local new = redis.call('HSETNX', announced, token, 1) == 1
    redis.call('EXPIRE', announced, ARGV[4])
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
local any_announced = redis.call('EXISTS', announced) == 1
local requeued_at = any_announced and redis.call('HGET', announced, 'requeued at')
local requeuing = requeued_at and redis.call('TIME')[1] - requeued_at < tonumber(ARGV[6])
for _, item in ipairs(payload.events) do
    local when, kind, file, attempt, first, second, entry = unpack(item)
    local token = file .. ':' .. attempt .. ':'
    local publish = true
    if when == 'if open' then
        publish = redis.call('HEXISTS', job_entries, file) == 1
    elseif when == 'once' then
        publish = mark_announced(token .. first)
    elseif when == 'if pending' then
        publish = delete_entries({entry}) == 1 and mark_announced(token .. first)
    elseif when == 'first' and any_announced then
        local results = {token .. first, token .. 'Canceled', token .. 'Removed'}
        for _, known in ipairs(redis.call('HMGET', announced, unpack(results))) do
            publish = publish and not known
        end
        if publish and requeuing then
            mark_announced(token .. first)
        end
    elseif when == 'retried' and any_announced then
        redis.call('HDEL', announced, token .. 'Canceled', token .. 'Error')
    end
    if publish then
        local names = kind == 'progress' and {'progress', 'stage'} or {'status', 'outcome'}
        local fields = {'type', kind, 'file_id', file, 'attempt', attempt, names[1], first}
        if second ~= '' then
            fields[9], fields[10] = names[2], second
        end
        redis.call('XADD', events, 'MAXLEN', '~', events_kept, '*', unpack(fields))
        if first == 'Canceled' then
            redis.call('XADD', cancellations, 'MAXLEN', '~', ARGV[5], '*',
                       'file_id', file, 'attempt', attempt)
        end
    end
end
for _, job in ipairs(payload.queue) do
    local entry = redis.call('XADD', jobs, '*', 'file_id', job[1], 'handler', job[2])
    redis.call('HSET', job_entries, job[1], entry)
end
local deleted = {}
for _, entry in ipairs(payload.entries) do
    deleted[entry] = true
end
for entries in slices(payload.entries) do
    delete_entries(entries)
end
for files in slices(payload.files) do
    local others = {}
    for _, entry in ipairs(redis.call('HMGET', job_entries, unpack(files))) do
        if entry and not deleted[entry] then
            others[#others + 1] = entry
        end
    end
    if #others > 0 then
        delete_entries(others)
    end
    redis.call('HDEL', job_entries, unpack(files))
end
"""

_EXPECT_REQUEUE = """
redis.call('HSET', KEYS[1], 'requeued at', redis.call('TIME')[1])
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then
    redis.call('EXPIRE', KEYS[1], ARGV[1])
end
"""


class AnnounceWhen(StrEnum):
    """When an event is published; together these rules announce every result exactly once."""

    ALWAYS = "always"
    # For work in progress: not if the result was announced while the sender was delayed.
    IF_OPEN = "if open"
    # By the process that wrote the result, at its first try: unless another process has announced
    # it, or a later result.
    FIRST = "first"
    # On another process's behalf, or repeated after an unclear answer: only if the job entry still
    # exists. It is deleted together with the event, so it proves that nobody announced the result.
    IF_PENDING = "if pending"
    # For a result that has no job entry: by whichever process is first.
    ONCE = "once"
    # For a file that a user retries: its next result may be the same as its last.
    RETRIED = "retried"


class Announcement(NamedTuple):
    """An event to publish, with its fields in the order in which the script reads them.

    ``first`` and ``second`` are status and outcome, or progress and stage. ``entry_id`` is the job
    entry that IF_PENDING requires.
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
        """Build the announcement of a row's status."""
        file_id, attempt = str(change.id), str(change.attempt)
        return cls(when, "status", file_id, attempt, change.status, change.outcome or "", entry_id)

    @classmethod
    def progress(cls, report: ProgressReport) -> Self:
        """Build the announcement of a running attempt's progress."""
        file_id, attempt = str(report.id), str(report.attempt)
        progress, stage = f"{report.progress:.3f}", report.stage or ""
        return cls(AnnounceWhen.IF_OPEN, "progress", file_id, attempt, progress, stage, "")


class Outbox:
    """The only writer of the streams in a process."""

    def __init__(self, commands: Redis, keys: StreamKeys, events_kept: int) -> None:
        """``events_kept`` is the approximate number of events that the stream keeps."""
        self._keys = keys
        self._events_kept = events_kept
        self._script = commands.register_script(_SEND)
        self._expect_requeue = commands.register_script(_EXPECT_REQUEUE)
        # asyncio's lock is fair: calls are sent in their order, although over several connections.
        self._lock = asyncio.Lock()

    async def send(
        self,
        announcements: Iterable[Announcement] = (),
        *,
        queue: Iterable[tuple[int, str]] = (),
        done: Sequence[Delivery] = (),
        unqueue: Iterable[int] = (),
    ) -> None:
        """Publish events, add entries and delete entries, in this order.

        ``queue``: (file id, handler name) pairs to add an entry for. ``done``: entries to
        acknowledge and delete; if they have a file id, every entry of that file. ``unqueue``:
        files whose entries, if any, to delete.

        Raises:
            RedisUnavailable: no answer; it may have been sent nevertheless.
        """
        payload: dict[str, list[Any]] = {
            "events": list(announcements),
            "queue": [(str(file_id), handler) for file_id, handler in queue],
            "entries": [delivery.entry_id for delivery in done],
            "files": [str(delivery.file_id) for delivery in done if delivery.file_id is not None],
        }
        payload["files"] += map(str, unqueue)
        if not any(payload.values()):
            return
        async with self._lock:
            with translate_redis_errors():
                await self._script(
                    keys=[
                        self._keys.jobs,
                        self._keys.job_entries,
                        self._keys.events,
                        self._keys.announced,
                        self._keys.cancellations,
                    ],
                    args=[
                        GROUP,
                        json.dumps(payload),
                        self._events_kept,
                        ANNOUNCED_SECONDS,
                        MAX_CANCELLATIONS,
                        REQUEUE_SECONDS,
                    ],
                )

    async def expect_requeue(self) -> None:
        """Prepare for adding entries of files that may be finished meanwhile.

        Call it before reading which files to add. Such an entry proves nothing about a result that
        was announced after the file was read. Therefore results are remembered from now on, for
        :data:`REQUEUE_SECONDS`, so that no worker that finds the entry announces them again.

        Raises:
            RedisUnavailable: no answer.
        """
        with translate_redis_errors():
            await self._expect_requeue(keys=[self._keys.announced], args=[REQUEUE_SECONDS])
