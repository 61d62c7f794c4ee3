"""A value that is expensive to compute, recomputed only now and then."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")
# A pause of 20 times the computation keeps its share of the time below 5 %.
PAUSE_FACTOR = 20


class ThrottledValue(Generic[_Value]):
    """Recomputed at most once per pause, which is a multiple of what the last computation took."""

    def __init__(self) -> None:
        self._value: _Value | None = None
        self._computed_at = float("-inf")
        self._pause_seconds = 0.0

    async def get(self, compute: Callable[[], Awaitable[_Value]]) -> _Value:
        """Return the value, calling ``compute`` if the pause since the last time is over."""
        started_at = time.monotonic()
        if self._value is None or started_at - self._computed_at >= self._pause_seconds:
            self._value = await compute()
            self._computed_at = time.monotonic()
            self._pause_seconds = PAUSE_FACTOR * (self._computed_at - started_at)
        return self._value
