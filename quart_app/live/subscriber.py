"""One client of the page's stream: its view, and what it has not fetched yet."""

import asyncio
from collections.abc import Mapping

from quart_app.live.sse import Message
from quart_app.live.view import View

TABLE_EVENT = "handlingStatusChanged"
PROGRESS_EVENT = "progressChanged"
SERVICE_EVENT = "serviceChanged"
GAP_EVENT = "gap"


class Subscriber:
    """One slot per kind of event, in which the newest message replaces an older one.

    Progress consists of single rows: the newest of each row is kept, and a table replaces them all.
    """

    __slots__ = ("_arrival", "_closed", "_progress_rows", "_slots", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self._slots: dict[str, Message] = {}
        self._progress_rows: dict[int, str] = {}
        # Created when someone waits: with thousands of clients an asyncio.Event each is too heavy.
        self._arrival: asyncio.Future[None] | None = None
        self._closed = False

    def deliver(self, message: Message) -> None:
        """Put ``message`` into its slot."""
        if message.event == TABLE_EVENT:
            self._progress_rows.clear()
            self._slots.pop(PROGRESS_EVENT, None)
        self._slots[message.event] = message
        self._wake()

    def deliver_progress(self, message: Message, rows: Mapping[int, str]) -> None:
        """Add ``rows`` (file id → fragment); ``message`` is all of them, already encoded."""
        if PROGRESS_EVENT in self._slots:
            # The client has not fetched the last message yet: merge the two.
            self._progress_rows.update(rows)
            message = Message(PROGRESS_EVENT, "\n".join(self._progress_rows.values()))
        else:
            self._progress_rows = dict(rows)
        self._slots[PROGRESS_EVENT] = message
        self._wake()

    def close(self) -> None:
        """End the stream after the client has received the messages already queued."""
        self._closed = True
        self._wake()

    async def next(self) -> Message | None:
        """Wait for the next message; None when the stream must end."""
        while not self._slots:
            if self._closed:
                return None
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        # A gap is announced before the snapshot that closes it.
        return self._slots.pop(GAP_EVENT if GAP_EVENT in self._slots else next(iter(self._slots)))

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
