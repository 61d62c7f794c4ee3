"""Reads the event stream, once per process, and hands on what it reads."""

import asyncio
import logging

from processing.errors import ServiceUnavailable
from processing.events import Events
from processing.stream_reader import START
from quart_app import messages
from quart_app.live.broadcaster import Broadcaster
from quart_app.live.event_buffer import EventBuffer
from quart_app.live.service_status import ServiceMonitor

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5


class EventFollower:
    """Feeds the buffer and the broadcaster from the stream."""

    def __init__(
        self,
        events: Events,
        buffer: EventBuffer,
        broadcaster: Broadcaster,
        monitor: ServiceMonitor,
    ) -> None:
        self._events = events
        self._buffer = buffer
        self._broadcaster = broadcaster
        self._monitor = monitor

    async def run(self) -> None:
        """Follow the stream until cancelled; whatever fails is tried again."""
        while True:
            try:
                await self._read()
                await self._monitor.report("Redis", available=True)
            except ServiceUnavailable as error:
                logger.debug("cannot read the event stream: %s", error)
                await self._monitor.report("Redis", available=False)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                # If this task ended, every client would see an outdated table for ever.
                logger.exception("reading events failed")
                await asyncio.sleep(RETRY_SECONDS)

    async def _read(self) -> None:
        if not self._buffer.cursor:
            self._buffer.reset(await self._events.last_id())
            self._broadcaster.mark_all_changed()
        cursor = self._buffer.cursor
        entries = await self._events.read(cursor)
        # Checked after the read: what it returned may already come from a new stream.
        if cursor != START and not await self._events.holds(cursor):
            self._restart()
        elif entries:
            self._buffer.add(entries)
            self._broadcaster.mark_changed(entries)

    def _restart(self) -> None:
        logger.warning("the event stream was reset; all clients get the current state")
        self._buffer.reset(START)
        self._broadcaster.announce_gap(messages.STREAM_RESET)
        self._broadcaster.mark_all_changed()
