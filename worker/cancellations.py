"""Listens for cancels on the event stream, so that a killed job dies at once.

A cancel that is missed here is found by the next heartbeat.
"""

import asyncio
import logging

from processing.errors import ServiceUnavailable
from processing.events import Events
from processing.states import Status
from worker.executor import Executor

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


async def watch(events: Events, executor: Executor) -> None:
    """Kill what is cancelled, until this task is."""
    cursor = ""
    while True:
        try:
            cursor = cursor or await events.last_id()
            for entry_id, event in await events.read(cursor):
                cursor = entry_id
                if event is not None and event.status == Status.CANCELED:
                    executor.cancel(event.file_id, event.attempt)
        except ServiceUnavailable as error:
            logger.debug("cannot hear cancels: %s", error)
            cursor = ""  # the stream may come back empty, with lower ids
            await asyncio.sleep(PAUSE_SECONDS)
