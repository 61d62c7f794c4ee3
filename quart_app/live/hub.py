"""One reader of the event stream for all clients of this process.

    events ──► reader ──► painter ──► slots of each client ──► SSE

A table is a snapshot: a newer one replaces an older one. So a client's queue is one slot, a slow
client finds the current table in it when it comes back for more, and nobody waits for it. What
only moved on is sent as rows, not as a table.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from quart import Quart

from processing import repository
from processing.async_wait import cancel_and_wait, wait_or_timeout
from processing.core import Core
from processing.errors import RedisUnavailable, ServiceUnavailable
from processing.events import Event
from processing.stream_reader import START
from quart_app.live.event_buffer import Journal
from quart_app.live.render_cache import Pictures, Seldom
from quart_app.live.service_status import Condition, Watch
from quart_app.live.sse import Message
from quart_app.live.subscriber import GAP, PROGRESS, SERVICE, TABLE, Subscriber
from quart_app.live.view import View

logger = logging.getLogger(__name__)

TABLES_PER_SECOND = 5
PROBE_SECONDS = 2.0
# A worker shows itself every two seconds.
WORKER_SILENT_SECONDS = 10.0
PAUSE_SECONDS = 0.5
MOST_CLIENTS = 10_000
# Of more than these running at once, the table shows the rest at its next change.
MOST_MOVED_ROWS = 200


class Busy(Exception):
    """As many streams are open as one process may hold."""


class Renderers(NamedTuple):
    """What turns rows into HTML: a view's table, single rows by file id, and the service banner."""

    table: Callable[[View], Awaitable[str]]
    progress: Callable[[Sequence[int]], Awaitable[Mapping[int, str]]]
    banner: Callable[[Condition], Awaitable[str]]


class Hub:
    """Reads events, paints each view once, hands the picture to everyone who looks at it."""

    def __init__(
        self,
        core: Core,
        renderers: Renderers,
    ) -> None:
        self._core = core
        self._paint = renderers.table
        self._paint_progress = renderers.progress
        self._banner = renderers.banner
        self.pictures = Pictures()
        self.counts = Seldom()
        self.journal = Journal(core.events)
        self._subscribers: set[Subscriber] = set()
        self._reader: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._dirty = asyncio.Event()
        self._table_dirty = False
        self._moved: dict[int, None] = {}
        self._cursor = ""
        self._watch = Watch()
        self._closed = asyncio.Event()

    def start(self, app: Quart) -> None:
        """Begin to read, in the background, within the context of ``app``."""

        async def within(service: Callable[[], Awaitable[None]]) -> None:
            async with app.app_context():
                await service()

        self._reader = asyncio.create_task(within(self._read))
        self._tasks = [asyncio.create_task(within(each)) for each in (self._publish, self._probe)]

    def close(self) -> None:
        """End every stream; new ones end at once."""
        self._closed.set()
        self._dirty.set()
        self.journal.wake()
        for subscriber in self._subscribers:
            subscriber.close()

    async def stop(self) -> None:
        """End the background tasks."""
        self.close()
        if self._reader is not None:
            await cancel_and_wait(self._reader)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def subscribe(self, view: View, last_id: str) -> Subscriber:
        """Add a client that has seen everything up to ``last_id`` ('' for nothing yet).

        Raises:
            Busy: too many clients.
        """
        if len(self._subscribers) >= MOST_CLIENTS:
            raise Busy(f"{MOST_CLIENTS} streams are open")
        subscriber = Subscriber(view)
        # Before the first look, so that nothing can happen in between.
        self._subscribers.add(subscriber)
        if self._closed.is_set():
            subscriber.close()
        try:
            await self._welcome(subscriber, last_id)
        except BaseException:
            self._subscribers.discard(subscriber)
            raise
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a client."""
        self._subscribers.discard(subscriber)

    async def _welcome(self, subscriber: Subscriber, last_id: str) -> None:
        if self.condition.troubled:
            subscriber.offer(await self._service_message())
        if last_id and last_id == self._cursor:
            return
        try:
            if last_id and not await self._core.events.holds(last_id):
                subscriber.offer(Message(GAP, "Earlier events are gone; this is the state now."))
        except RedisUnavailable as error:
            logger.debug("cannot tell whether a client missed anything: %s", error)
        with contextlib.suppress(ServiceUnavailable):
            subscriber.offer(await self._picture(subscriber.view))

    async def _picture(self, view: View) -> Message:
        """The table as a message, encoded once for all who look at it."""

        async def encoded() -> Message:
            # The cursor is taken before the rows: the picture shows at least all up to its id.
            cursor = self._cursor if self._cursor != START else ""
            return Message(TABLE, await self.table(view), cursor)

        return await self.pictures.get(("message", view), encoded)

    async def table(self, view: View) -> str:
        """The table that ``view`` asks for, painted once for all. Raises DatabaseUnavailable."""
        return await self.pictures.get(("table", view), lambda: self._paint(view))

    async def _read(self) -> None:
        """Follow the event stream until cancelled."""
        while True:
            try:
                if not self._cursor:
                    self._cursor = await self._core.events.last_id()
                    self.journal.begin(self._cursor)
                    self._soil()
                entries = await self._core.events.read(self._cursor)
                # Looked for after the read: what came may be of another life of Redis already.
                if self._cursor != START and not await self._core.events.holds(self._cursor):
                    self._restart()
                elif entries:
                    self._cursor = entries[-1][0]
                    self.journal.add(entries)
                    self._take(entries)
                await self._note("Redis", away=False)
            except ServiceUnavailable as error:
                logger.debug("the event stream does not answer: %s", error)
                await self._note("Redis", away=True)
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception:
                # If this task ended, every client would look at an old table for ever.
                logger.exception("reading events failed")
                await asyncio.sleep(PAUSE_SECONDS)

    def _take(self, entries: Sequence[tuple[str, Event | None]]) -> None:
        self.pictures.fade()
        for _, event in entries:
            if event is not None and event.type == "progress":
                self._moved[event.file_id] = None
            else:
                self._table_dirty = True
        self._dirty.set()

    def _soil(self) -> None:
        """Let every table be painted anew."""
        self.pictures.fade()
        self._table_dirty = True
        self._dirty.set()

    def _restart(self) -> None:
        logger.warning("the event stream was wiped; all clients get the state as it is")
        self._cursor = START
        self.journal.begin(START)
        for subscriber in self._subscribers:
            subscriber.offer(Message(GAP, "The event stream was wiped; this is the state now."))
        self._soil()

    async def _publish(self) -> None:
        """Paint what changed, at most five times a second, until closed."""
        while not self._closed.is_set():
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self._paint_all()
            except ServiceUnavailable as error:
                logger.debug("cannot paint: %s", error)
                self._soil()
                await wait_or_timeout(self._closed, PAUSE_SECONDS)
            except Exception:
                logger.exception("painting failed")
            await wait_or_timeout(self._closed, 1 / TABLES_PER_SECOND)

    async def _paint_all(self) -> None:
        moved, self._moved = list(self._moved), {}
        if self._table_dirty:
            self._table_dirty = False
            for view in {subscriber.view for subscriber in self._subscribers}:
                picture = await self._picture(view)
                for subscriber in self._subscribers:
                    if subscriber.view == view:
                        subscriber.offer(picture)
        elif moved and self._subscribers:
            rows = await self._paint_progress(moved[-MOST_MOVED_ROWS:])
            message = Message(PROGRESS, "\n".join(rows.values()))
            for subscriber in self._subscribers if rows else ():
                subscriber.offer_progress(message, rows)

    async def _probe(self) -> None:
        """Ask PostgreSQL now and then which workers there are, until closed."""
        while not self._closed.is_set():
            try:
                async with self._core.database.connect() as connection:
                    workers = await repository.list_workers(connection, WORKER_SILENT_SECONDS)
                await self._note("PostgreSQL", away=False)
                if self._watch.note_workers(workers):
                    await self._tell_condition()
            except ServiceUnavailable:
                await self._note("PostgreSQL", away=True)
            except Exception:
                logger.exception("probing PostgreSQL failed")
            await wait_or_timeout(self._closed, PROBE_SECONDS)

    async def _note(self, service: str, *, away: bool) -> None:
        if self._watch.note(service, away=away):
            await self._tell_condition()
            if not away:
                self._soil()

    async def _tell_condition(self) -> None:
        message = await self._service_message()
        for subscriber in self._subscribers:
            subscriber.offer(message)

    async def _service_message(self) -> Message:
        return Message(SERVICE, await self._banner(self.condition))

    @property
    def closed(self) -> bool:
        """Whether streams shall end."""
        return self._closed.is_set()

    async def pause(self) -> None:
        """Wait a moment, unless closed, for a server to come back."""
        await wait_or_timeout(self._closed, PAUSE_SECONDS)

    @property
    def condition(self) -> Condition:
        """What is wrong, if anything is."""
        return self._watch.condition
