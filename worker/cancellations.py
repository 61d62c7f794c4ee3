"""Listens for cancels, so that a killed job dies at once.

A cancel that is missed here is found by the next heartbeat.
"""

import asyncio
import logging

from processing.cancellations import CancellationStream
from processing.errors import ServiceUnavailable
from worker.executor import Executor

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


async def watch(cancels: CancellationStream, executor: Executor) -> None:
    """Kill what is cancelled, until this task is."""
    cursor = ""
    while True:
        try:
            cursor = cursor or await cancels.last_id()
            for entry_id, file_id, attempt in await cancels.read(cursor):
                cursor = entry_id
                executor.cancel(file_id, attempt)
        except ServiceUnavailable as error:
            logger.debug("cannot hear cancels: %s", error)
            cursor = ""  # the stream may come back empty, with lower ids
            await asyncio.sleep(PAUSE_SECONDS)
        except (KeyError, ValueError) as error:
            logger.warning("an entry on the stream of cancels makes no sense: %s", error)
            cursor = ""
