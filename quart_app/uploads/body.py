"""Reading a request's body: it may be slow, but not for ever, and not in vain."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from werkzeug.exceptions import ClientDisconnected

from processing.errors import TooSlow

SLOWEST_BYTES_PER_SECOND = 1024
# How often a waiting reader looks whether it is still wanted.
LOOK_SECONDS = 0.5
# What a refused client may still send before we hang up on it unheard.
DISCARD_BYTES, DISCARD_SECONDS = 8 * 1024 * 1024, 2.0


class Interrupted(Exception):
    """Another request asked for what this one holds."""


async def paced(
    body: AsyncIterator[bytes],
    patience: float,
    interrupted: Callable[[], bool] | None = None,
) -> AsyncIterator[bytes]:
    """Yield ``body`` while it brings at least 1 KiB/s over ``patience`` seconds.

    Only waiting for the client counts, not what its reader does in between. ``interrupted`` is
    asked now and then whether to stop. ``body`` must go on after a wait for it was given up, as
    that of a request does.

    Raises:
        TooSlow: the client is too slow.
        Interrupted: it said yes.
    """
    waited, came, looked = 0.0, 0, time.monotonic()
    while True:
        chunk: bytes | None = None
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(LOOK_SECONDS, patience)):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError:
            pass
        now = time.monotonic()
        waited += now - began
        if interrupted is not None and (chunk is None or now - looked >= LOOK_SECONDS):
            looked = now
            if interrupted():
                if chunk is not None:
                    yield chunk
                raise Interrupted
        if chunk is not None:
            came += len(chunk)
            yield chunk
        if waited >= patience:
            if came < SLOWEST_BYTES_PER_SECOND * waited:
                raise TooSlow(f"The upload brought {came:,} bytes in {waited:.0f} s: too slow.")
            waited, came = 0.0, 0


async def discard(body: AsyncIterator[bytes]) -> None:
    """Read on for a moment, so that a refused client hears why before the connection closes."""
    left = DISCARD_BYTES
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            async for chunk in body:
                left -= len(chunk)
                if left < 0:
                    return
    except (TimeoutError, ClientDisconnected):
        return
