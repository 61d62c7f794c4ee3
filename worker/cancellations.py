"""Follows the stream of cancellations, so that cancelled jobs are killed at once.

The next heartbeat finds a cancellation that is missed here.
"""

import asyncio
import logging

from processing.cancellations import CancellationStream
from processing.errors import ServiceUnavailable
from worker.executor import Executor

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


async def watch(stream: CancellationStream, executor: Executor) -> None:
    """Kill the jobs that users cancel, until this task is cancelled."""
    cursor = ""
    while True:
        try:
            cursor = cursor or await stream.last_id()
            for entry_id, file_id, attempt in await stream.read(cursor):
                cursor = entry_id
                executor.cancel(file_id, attempt)
        except ServiceUnavailable as error:
            logger.debug("cannot read cancellations: %s", error)
            cursor = ""  # afterwards the stream may be empty, with lower ids
            await asyncio.sleep(PAUSE_SECONDS)
        except (KeyError, ValueError) as error:
            logger.warning("invalid entry on the stream of cancellations: %s", error)
            cursor = ""
