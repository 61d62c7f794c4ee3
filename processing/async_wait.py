"""Waiting for an event with a timeout, and cancelling a task reliably."""

import asyncio
from typing import Any


async def wait_or_timeout(event: asyncio.Event, seconds: float) -> bool:
    """Wait until ``event`` is set, at most ``seconds``; return whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()


async def cancel_and_wait(task: asyncio.Task[Any]) -> None:
    """Cancel until the task has ended: libraries below may swallow a cancellation.

    For tasks that read from Redis. Tasks that use PostgreSQL are signalled to stop instead, since a
    cancelled statement can leak its connection.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=0.5)
