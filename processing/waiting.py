"""Waiting that can be interrupted, and ending what waits."""

import asyncio
from typing import Any


async def pause(interrupted: asyncio.Event, seconds: float) -> bool:
    """Wait ``seconds``, or less if ``interrupted`` is set; return whether it is."""
    try:
        async with asyncio.timeout(seconds):
            return await interrupted.wait()
    except TimeoutError:
        return interrupted.is_set()


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel until the task has ended: libraries below may swallow a cancellation.

    For tasks that read from Redis; those that use PostgreSQL are told to end instead, since a
    cancelled statement can leak its connection.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=0.5)
