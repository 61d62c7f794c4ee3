"""One client of the hub: what it looks at, and one slot for each kind of message."""

import asyncio
from dataclasses import dataclass, field

from processing.repository import Cursor, Selection
from quart_app.sse import Message

TABLE, SERVICE, GAP = "handlingStatusChanged", "serviceChanged", "gap"


@dataclass(frozen=True, slots=True)
class View:
    """What part of the table a client looks at: which files, and from where on."""

    selection: Selection = field(default_factory=Selection)
    after: Cursor | None = None


class Subscriber:
    """One client's slots: the newest message of each event wins."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._slots: dict[str, Message] = {}
        self._filled = asyncio.Event()
        self._closed = False

    def offer(self, message: Message) -> None:
        """Replace what the client has not fetched yet."""
        self._slots[message.event] = message
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
