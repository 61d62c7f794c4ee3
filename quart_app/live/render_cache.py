"""Rendered fragments, shared by everyone who asks for the same one before anything changes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple, TypeVar

# Bounds how stale an entry can get when a change is not announced, as while Redis is unavailable.
MAX_AGE_SECONDS = 1.0
MAX_ENTRIES = 500
_Value = TypeVar("_Value")


class _Entry(NamedTuple):
    version: int
    expires_at: float
    rendering: asyncio.Task[Any]


class RenderCache:
    """A cache that any change invalidates; concurrent requests for a key share one rendering."""

    def __init__(self) -> None:
        self._version = 0
        self._entries: dict[Hashable, _Entry] = {}

    def invalidate(self) -> None:
        """Something changed: later requests must not get what was rendered before."""
        self._version += 1

    async def get(self, key: Hashable, render: Callable[[], Awaitable[_Value]]) -> _Value:
        """Return the current value of ``key``, calling ``render`` if there is none.

        A failed rendering raises for everyone who waits for it and is not kept.
        """
        entry = self._entries.get(key)
        if entry is None or entry.version != self._version or entry.expires_at < time.monotonic():
            entry = self._start(key, render)
        # Shielded: a client that hangs up while it waits must not cancel the others' rendering.
        value: _Value = await asyncio.shield(entry.rendering)
        return value

    def _start(self, key: Hashable, render: Callable[[], Awaitable[Any]]) -> _Entry:
        rendering = asyncio.ensure_future(render())
        entry = _Entry(self._version, time.monotonic() + MAX_AGE_SECONDS, rendering)

        def drop_failure(done: asyncio.Future[Any]) -> None:
            failed = done.cancelled() or done.exception() is not None
            if failed and self._entries.get(key) is entry:
                del self._entries[key]

        rendering.add_done_callback(drop_failure)
        # Reinserted at the end, so that the first key is the oldest one.
        self._entries.pop(key, None)
        self._entries[key] = entry
        if len(self._entries) > MAX_ENTRIES:
            del self._entries[next(iter(self._entries))]
        return entry
