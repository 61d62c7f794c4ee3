"""One client of the hub: what it looks at, and what it has not fetched yet."""

import asyncio
from collections.abc import Mapping

from quart_app.sse import Message
from quart_app.view import View

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

    __slots__ = ("_closed", "_filled", "_progress", "_slots", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self._slots: dict[str, Message] = {}
        self._progress: dict[int, str] = {}
        self._filled = asyncio.Event()
        self._closed = False

    def offer(self, message: Message) -> None:
        """Replace what the client has not fetched yet."""
        if message.event == TABLE:
            self._progress.clear()
            self._slots.pop(PROGRESS, None)
        self._slots[message.event] = message
        self._filled.set()

    def offer_progress(self, message: Message, rows: Mapping[int, str]) -> None:
        """Add how ``rows`` (file id → fragment) stand; ``message`` is all of them together."""
        if PROGRESS in self._slots:
            # One was not fetched yet: the two become one.
            self._progress.update(rows)
            message = Message(PROGRESS, "\n".join(self._progress.values()))
        else:
            self._progress = dict(rows)
        self._slots[PROGRESS] = message
        self._filled.set()

    def close(self) -> None:
        """Let the client go once it has fetched what is there."""
        self._closed = True
        self._filled.set()

    async def next(self) -> Message | None:
        """Wait for the next message; None when the stream shall end."""
        await self._filled.wait()
        if not self._slots:
            return None
        # A gap is told before the snapshot that closes it.
        message = self._slots.pop(GAP if GAP in self._slots else next(iter(self._slots)))
        if not self._slots and not self._closed:
            self._filled.clear()
        return message
