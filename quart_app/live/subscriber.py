"""One client of the hub: what it looks at, and what it has not fetched yet."""

import asyncio
from collections.abc import Mapping

from quart_app.live.sse import Message
from quart_app.live.view import View

TABLE, PROGRESS, SERVICE, GAP = (
    "handlingStatusChanged",
    "progressChanged",
    "serviceChanged",
    "gap",
)


class Subscriber:
    """One client's slots: the newest message of each event wins.

    Progress is of single rows, so that the newest of each row wins; a table shows it all.
    """

    __slots__ = ("_closed", "_progress", "_slots", "_waiting", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self._slots: dict[str, Message] = {}
        self._progress: dict[int, str] = {}
        # Made when someone waits: thousands of clients are held, and an event is heavier.
        self._waiting: asyncio.Future[None] | None = None
        self._closed = False

    def offer(self, message: Message) -> None:
        """Replace what the client has not fetched yet."""
        if message.event == TABLE:
            self._progress.clear()
            self._slots.pop(PROGRESS, None)
        self._slots[message.event] = message
        self._wake()

    def offer_progress(self, message: Message, rows: Mapping[int, str]) -> None:
        """Add how ``rows`` (file id → fragment) stand; ``message`` is all of them together."""
        if PROGRESS in self._slots:
            # One was not fetched yet: the two become one.
            self._progress.update(rows)
            message = Message(PROGRESS, "\n".join(self._progress.values()))
        else:
            self._progress = dict(rows)
        self._slots[PROGRESS] = message
        self._wake()

    def close(self) -> None:
        """Let the client go once it has fetched what is there."""
        self._closed = True
        self._wake()

    async def next(self) -> Message | None:
        """Wait for the next message; None when the stream shall end."""
        while not self._slots:
            if self._closed:
                return None
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        # A gap is told before the snapshot that closes it.
        return self._slots.pop(GAP if GAP in self._slots else next(iter(self._slots)))

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
