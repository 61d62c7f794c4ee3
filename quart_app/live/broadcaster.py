"""Renders what changed and hands it to every client.

A table is a snapshot: a newer one replaces an older one. So a client's queue is one slot per kind
of event: a slow client finds the current table in it and nobody waits for it. Progress is sent as
single rows, not as a table.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from processing.async_wait import wait_or_timeout
from processing.errors import RedisUnavailable, ServiceUnavailable
from processing.events import Event, Events
from processing.stream_reader import START
from quart_app import messages
from quart_app.live.event_buffer import EventBuffer
from quart_app.live.render_cache import RenderCache
from quart_app.live.service_status import ServiceStatus
from quart_app.live.sse import Message
from quart_app.live.subscriber import (
    GAP_EVENT,
    PROGRESS_EVENT,
    SERVICE_EVENT,
    TABLE_EVENT,
    Subscriber,
)
from quart_app.live.view import View

logger = logging.getLogger(__name__)

TABLES_PER_SECOND = 5
RETRY_SECONDS = 0.5
MAX_SUBSCRIBERS = 10_000
# When more rows than this moved at once, the next table shows the rest.
MAX_PROGRESS_ROWS = 200


class TooManySubscribers(Exception):
    """The process already has as many open streams as it may."""


class Renderers(NamedTuple):
    """What turns rows into HTML: a view's table, single rows by file id, and the status banner."""

    table: Callable[[View], Awaitable[str]]
    progress: Callable[[Sequence[int]], Awaitable[Mapping[int, str]]]
    banner: Callable[[ServiceStatus], Awaitable[str]]


class Broadcaster:
    """Renders each view once per change, at most five times a second, for all its subscribers."""

    def __init__(
        self, events: Events, buffer: EventBuffer, renderers: Renderers, closing: asyncio.Event
    ) -> None:
        self._events = events
        self._buffer = buffer
        self._renderers = renderers
        self._closing = closing
        self._subscribers: set[Subscriber] = set()
        self._status = ServiceStatus()
        self._changed = asyncio.Event()
        self._table_changed = False
        # Ids of files whose progress changed: an ordered set.
        self._moved: dict[int, None] = {}
        self.cache = RenderCache()

    async def subscribe(self, view: View, last_id: str) -> Subscriber:
        """Add a client that has seen everything up to ``last_id`` ('' for nothing yet).

        Raises:
            TooManySubscribers: the limit is reached.
        """
        if len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise TooManySubscribers
        subscriber = Subscriber(view)
        # Added before the first snapshot, so that no change is missed in between.
        self._subscribers.add(subscriber)
        if self._closing.is_set():
            subscriber.close()
        try:
            await self._send_initial_state(subscriber, last_id)
        except BaseException:
            self._subscribers.discard(subscriber)
            raise
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a client."""
        self._subscribers.discard(subscriber)

    async def _send_initial_state(self, subscriber: Subscriber, last_id: str) -> None:
        if self._status.degraded:
            subscriber.deliver(await self._status_message())
        if last_id and last_id == self._buffer.cursor:
            return
        try:
            if last_id and not await self._events.holds(last_id):
                subscriber.deliver(Message(GAP_EVENT, messages.EVENTS_EXPIRED))
        except RedisUnavailable as error:
            logger.debug("cannot check whether a client missed events: %s", error)
        with contextlib.suppress(ServiceUnavailable):
            subscriber.deliver(await self._table_message(subscriber.view))

    async def table(self, view: View) -> str:
        """The table of ``view``, rendered once for all. Raises DatabaseUnavailable."""
        return await self.cache.get(("table", view), lambda: self._renderers.table(view))

    async def _table_message(self, view: View) -> Message:
        """The table of ``view`` as a message, encoded once for all its subscribers."""

        async def encode() -> Message:
            # The cursor is taken before the rows: the table shows at least everything up to it.
            cursor = self._buffer.cursor if self._buffer.cursor != START else ""
            return Message(TABLE_EVENT, await self.table(view), cursor)

        return await self.cache.get(("message", view), encode)

    def mark_changed(self, entries: Sequence[tuple[str, Event | None]]) -> None:
        """Schedule what ``entries`` of the stream affect: single rows, or the tables."""
        self.cache.invalidate()
        for _, event in entries:
            if event is not None and event.type == "progress":
                self._moved[event.file_id] = None
            else:
                self._table_changed = True
        self._changed.set()

    def mark_all_changed(self) -> None:
        """Schedule every table."""
        self.cache.invalidate()
        self._table_changed = True
        self._changed.set()

    def announce_gap(self, text: str) -> None:
        """Tell every client that it may have missed events."""
        for subscriber in self._subscribers:
            subscriber.deliver(Message(GAP_EVENT, text))

    async def announce_status(self, status: ServiceStatus) -> None:
        """Send the banner for ``status``; tables are refreshed when a server is back."""
        before, self._status = self._status, status
        message = await self._status_message()
        for subscriber in self._subscribers:
            subscriber.deliver(message)
        if set(before.unavailable) - set(status.unavailable):
            self.mark_all_changed()

    async def _status_message(self) -> Message:
        return Message(SERVICE_EVENT, await self._renderers.banner(self._status))

    async def run(self) -> None:
        """Render and send what changed, at most five times a second, until closed."""
        while not self._closing.is_set():
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._send_changes()
            except ServiceUnavailable as error:
                logger.debug("cannot render: %s", error)
                self.mark_all_changed()
                await wait_or_timeout(self._closing, RETRY_SECONDS)
            except Exception:
                logger.exception("rendering failed")
            await wait_or_timeout(self._closing, 1 / TABLES_PER_SECOND)

    async def _send_changes(self) -> None:
        moved, self._moved = list(self._moved), {}
        if self._table_changed:
            self._table_changed = False
            await self._send_tables()
        elif moved and self._subscribers:
            await self._send_progress(moved[-MAX_PROGRESS_ROWS:])

    async def _send_tables(self) -> None:
        for view in {subscriber.view for subscriber in self._subscribers}:
            message = await self._table_message(view)
            for subscriber in self._subscribers:
                if subscriber.view == view:
                    subscriber.deliver(message)

    async def _send_progress(self, file_ids: Sequence[int]) -> None:
        rows = await self._renderers.progress(file_ids)
        message = Message(PROGRESS_EVENT, "\n".join(rows.values()))
        for subscriber in self._subscribers if rows else ():
            subscriber.deliver_progress(message, rows)

    def close(self) -> None:
        """End every stream; :meth:`run` returns once ``closing`` is set."""
        self._changed.set()
        for subscriber in self._subscribers:
            subscriber.close()
