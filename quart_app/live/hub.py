"""Live updates of one process: from one reader of the event stream to all its clients.

events ──► follower ──► buffer ──────► streams of single events (API)
               └──────► broadcaster ─► slots of each subscriber ──► SSE (page)
                            ▲
PostgreSQL, workers ──► monitor
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from quart import Quart

from processing.async_wait import cancel_and_wait, wait_or_timeout
from processing.core import Core
from processing.states import Status
from quart_app.live.broadcaster import Broadcaster, Renderers
from quart_app.live.event_buffer import EventBuffer
from quart_app.live.event_follower import EventFollower
from quart_app.live.service_status import ServiceMonitor
from quart_app.live.throttled_value import ThrottledValue

PAUSE_SECONDS = 0.5


class Hub:
    """Starts and stops the parts, which do the work."""

    def __init__(self, core: Core, renderers: Renderers) -> None:
        self._closing = asyncio.Event()
        self._follower_task: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.buffer = EventBuffer(core.events)
        self.broadcaster = Broadcaster(core.events, self.buffer, renderers, self._closing)
        self.monitor = ServiceMonitor(core, self.broadcaster.announce_status)
        self.file_counts: ThrottledValue[Mapping[Status, int]] = ThrottledValue()
        self._follower = EventFollower(core.events, self.buffer, self.broadcaster, self.monitor)

    def start(self, app: Quart) -> None:
        """Start the background tasks within the context of ``app``."""

        async def in_context(run: Callable[[], Awaitable[None]]) -> None:
            async with app.app_context():
                await run()

        self._follower_task = asyncio.create_task(in_context(self._follower.run))
        self._tasks = [
            asyncio.create_task(in_context(self.broadcaster.run)),
            asyncio.create_task(in_context(lambda: self.monitor.run(self._closing))),
        ]

    def close(self) -> None:
        """End every stream; new ones end at once."""
        self._closing.set()
        self.broadcaster.close()
        self.buffer.wake_readers()

    async def stop(self) -> None:
        """Close, and wait until the background tasks have ended."""
        self.close()
        # The follower blocks in a read of the stream; the others see that we are closing.
        if self._follower_task is not None:
            await cancel_and_wait(self._follower_task)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def closing(self) -> bool:
        """Whether streams must end."""
        return self._closing.is_set()

    async def pause(self) -> None:
        """Wait briefly, unless closing, before trying a server again."""
        await wait_or_timeout(self._closing, PAUSE_SECONDS)
