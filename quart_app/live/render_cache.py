"""What was painted lately, shared by all who ask for the same before anything changes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple, TypeVar

# Changes that we hear of only late, or not while Redis is away, show after this long at most.
FRESH_SECONDS = 1.0
MOST_KEPT = 500
_Value = TypeVar("_Value")


class _Kept(NamedTuple):
    version: int
    until: float
    painting: asyncio.Task[Any]


class Pictures:
    """A cache that a change empties; the same picture is painted once, however many wait for it."""

    def __init__(self) -> None:
        self._version = 0
        self._kept: dict[Hashable, _Kept] = {}

    def fade(self) -> None:
        """Something changed: nothing that was painted before will be shown to who asks now."""
        self._version += 1

    async def get(self, key: Hashable, paint: Callable[[], Awaitable[_Value]]) -> _Value:
        """Return the picture of ``key``, painted by ``paint`` if there is none that still holds."""
        now = time.monotonic()
        kept = self._kept.get(key)
        if kept is None or kept.version != self._version or kept.until < now:
            painting = asyncio.ensure_future(paint())
            kept = _Kept(self._version, now + FRESH_SECONDS, painting)
            self._kept.pop(key, None)
            self._kept[key] = kept
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        try:
            # One client that hangs up must not take the picture from the others.
            picture: _Value = await asyncio.shield(kept.painting)
        except BaseException:
            if self._kept.get(key) is kept:
                del self._kept[key]
            raise
        return picture


class Seldom:
    """A value that is dear: it is found again only after a pause of many times what that took."""

    REST = 20

    def __init__(self) -> None:
        self._value: Any = None
        self._at = float("-inf")
        self._rest = 0.0

    async def get(self, find: Callable[[], Awaitable[_Value]]) -> _Value:
        """Return the value, found by ``find`` if the last one is old."""
        began = time.monotonic()
        if began - self._at >= self._rest:
            self._value = await find()
            self._at = time.monotonic()
            self._rest = self.REST * (self._at - began)
        value: _Value = self._value
        return value
