"""Reading a request's body from a client that may be slow, but not for ever."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from werkzeug.exceptions import ClientDisconnected

from processing.errors import TooSlow

MIN_BYTES_PER_SECOND = 1024
# How often a waiting reader checks whether another request asks for its lock.
CHECK_SECONDS = 0.5
# What a refused client may still send before the connection is closed.
DISCARD_BYTES, DISCARD_SECONDS = 8 * 1024 * 1024, 2.0


class Interrupted(Exception):
    """Another request asked for the lock that this one holds."""


async def with_minimum_rate(
    body: AsyncIterator[bytes],
    window_seconds: float,
    is_interrupted: Callable[[], bool] | None = None,
) -> AsyncIterator[bytes]:
    """Yield ``body`` while it arrives at 1 KiB/s or more, averaged over ``window_seconds``.

    Only the time spent waiting for the client counts, not what the consumer does in between.
    ``is_interrupted`` is called every half second. ``body`` must survive a cancelled wait, as that
    of a request does.

    Raises:
        TooSlow: the client is too slow.
        Interrupted: ``is_interrupted`` returned True.
    """
    waited, received, checked_at = 0.0, 0, time.monotonic()
    while True:
        chunk: bytes | None = None
        started_at = time.monotonic()
        try:
            async with asyncio.timeout(min(CHECK_SECONDS, window_seconds)):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError:
            pass
        now = time.monotonic()
        waited += now - started_at
        if is_interrupted is not None and (chunk is None or now - checked_at >= CHECK_SECONDS):
            checked_at = now
            if is_interrupted():
                if chunk is not None:
                    yield chunk
                raise Interrupted
        if chunk is not None:
            received += len(chunk)
            yield chunk
        if waited >= window_seconds:
            if received < MIN_BYTES_PER_SECOND * waited:
                raise TooSlow(f"Upload too slow: {received:,} bytes in {waited:.0f} s.")
            waited, received = 0.0, 0


async def discard(body: AsyncIterator[bytes]) -> None:
    """Drain ``body`` briefly, so that a refused client can read the error."""
    remaining = DISCARD_BYTES
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            async for chunk in body:
                remaining -= len(chunk)
                if remaining < 0:
                    return
    except (TimeoutError, ClientDisconnected):
        return
