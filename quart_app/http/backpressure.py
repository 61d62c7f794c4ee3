"""Request bodies that slow their sender down instead of filling our memory.

Quart appends whatever arrives to the body, however slowly it is read. Here the connection stops
receiving while more than a little waits; the socket's buffer fills and TCP does the rest.

Quart cancels a request whose client hangs up, with all that came of it. Here its reader gets what
came and then hears that no more comes: over a line that breaks again and again, an upload would
get nowhere otherwise.
"""

import asyncio
from collections import deque
from collections.abc import Generator
from typing import Any

from hypercorn.typing import ASGIReceiveCallable
from quart.asgi import ASGIHTTPConnection
from quart.wrappers import Request
from quart.wrappers.request import Body
from werkzeug.exceptions import ClientDisconnected

MOST_BUFFERED_BYTES = 1024 * 1024
# How long a request may go on whose client hung up before its body was whole.
GONE_SECONDS = 30.0


class BackpressureBody(Body):
    """A body that knows when it has room, and hands on what arrived without copying it."""

    def __init__(
        self,
        expected_content_length: int | None,  # noqa: ARG002 -- Quart gives them; the limits of
        max_content_length: int | None,  # noqa: ARG002 -- a body are those of uploads
    ) -> None:
        # Not as Body does it: most requests have none, and thousands stay open for hours. What is
        # needed to wait is made when someone waits.
        self._chunks: deque[bytes] | None = None
        self._size = 0
        self._whole = False
        self._cut_off = False
        self._reader: asyncio.Future[None] | None = None
        self._sender: asyncio.Future[None] | None = None

    def append(self, data: bytes) -> None:
        """Take what arrived."""
        if data:
            if self._chunks is None:
                self._chunks = deque()
            self._chunks.append(data)
            self._size += len(data)
            _wake(self._reader)

    def clear(self) -> None:
        """Forget what waits."""
        self._chunks, self._size = None, 0
        _wake(self._sender)

    def set_complete(self) -> None:
        """The end has arrived."""
        self._whole = True
        _wake(self._reader)

    def cut_off(self) -> None:
        """No more will come, though the end has not arrived."""
        self._cut_off = True
        _wake(self._reader)

    @property
    def whole(self) -> bool:
        """Whether the end has arrived."""
        return self._whole

    async def __anext__(self) -> bytes:
        # Cancelled while it waits, it loses nothing and can be asked again.
        while not self._chunks:
            if self._cut_off:
                raise ClientDisconnected("The client hung up before the end of the body.")
            if self._whole:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = self._chunks.popleft()
        self._size -= len(data)
        _wake(self._sender)
        return data

    def __await__(self) -> Generator[Any, None, Any]:
        async def whole() -> bytes:
            return b"".join([chunk async for chunk in self])

        return whole().__await__()

    async def room(self) -> None:
        """Wait until the reader has caught up."""
        while self._size > MOST_BUFFERED_BYTES:
            self._sender = asyncio.get_running_loop().create_future()
            await self._sender


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


class BackpressureRequest(Request):
    """A request with such a body."""

    body_class = BackpressureBody
    body: BackpressureBody


class BackpressureConnection(ASGIHTTPConnection):
    """A connection that receives only while the body has room."""

    async def handle_messages(self, request: Request, receive: ASGIReceiveCallable) -> None:
        """Feed the body until the client is gone."""
        assert isinstance(request, BackpressureRequest)
        while True:
            message = await receive()
            if message["type"] == "http.request":
                request.body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    request.body.set_complete()
                await request.body.room()
            elif message["type"] == "http.disconnect":
                if not request.body.whole:
                    request.body.cut_off()
                    await asyncio.sleep(GONE_SECONDS)
                return
