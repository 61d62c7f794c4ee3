"""The periodic services of a worker."""

import asyncio
import logging

import pytest

from processing.errors import RedisUnavailable, StreamLost
from worker.maintenance import run_periodically


async def test_a_pass_that_fails_does_not_end_the_service(
    caplog: pytest.LogCaptureFixture,
) -> None:
    finished = asyncio.Event()
    failures: list[Exception] = [
        RedisUnavailable("no answer"),
        StreamLost("lost"),
        ValueError("a fault"),
    ]
    passes = 0

    async def service() -> None:
        nonlocal passes
        passes += 1
        if failures:
            raise failures.pop(0)
        finished.set()

    with caplog.at_level(logging.INFO):
        await asyncio.wait_for(run_periodically(0.001, service, finished), 10)
    assert passes == 4
    # An unavailable server is no error; anything else is, and is logged.
    assert [record.exc_info is not None for record in caplog.records] == [True]
