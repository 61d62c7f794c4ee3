"""Request bodies that slow their sender down instead of filling our memory.

Quart appends whatever arrives to the body, however slowly it is read. Here the connection stops
receiving while too much is buffered; the socket's buffer fills and TCP slows the sender down.

Quart cancels a request whose client disconnects, and drops what it had received. Here the reader
gets what was received and then an exception: over a connection that breaks again and again, an
upload would otherwise make no progress.
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

MAX_BUFFERED_BYTES = 1024 * 1024
# How long a request may run after its client disconnected in the middle of the body.
DISCONNECT_GRACE_SECONDS = 30.0


class BackpressureBody(Body):
    """A body with a bounded buffer that hands on received chunks without copying them."""

    def __init__(
        self,
        expected_content_length: int | None,  # noqa: ARG002 -- Quart passes both; uploads
        max_content_length: int | None,  # noqa: ARG002 -- have limits of their own
    ) -> None:
        # Without super().__init__(): most requests have no body, and thousands stay open for
        # hours. Futures are created when someone waits.
        self._chunks: deque[bytes] | None = None
        self._size = 0
        self._is_complete = False
        self._disconnected = False
        self._reader: asyncio.Future[None] | None = None
        self._sender: asyncio.Future[None] | None = None

    def append(self, data: bytes) -> None:
        """Add a chunk that arrived."""
        if data:
            if self._chunks is None:
                self._chunks = deque()
            self._chunks.append(data)
            self._size += len(data)
            _wake(self._reader)

    def clear(self) -> None:
        """Drop what is buffered."""
        self._chunks, self._size = None, 0
        _wake(self._sender)

    def set_complete(self) -> None:
        """Note that the end has arrived."""
        self._is_complete = True
        _wake(self._reader)

    def disconnect(self) -> None:
        """Note that the client disconnected before the end of the body."""
        self._disconnected = True
        _wake(self._reader)

    @property
    def complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self._is_complete

    async def __anext__(self) -> bytes:
        # A caller that is cancelled while it waits loses nothing and can ask again.
        while not self._chunks:
            if self._disconnected:
                raise ClientDisconnected("The client disconnected before the end of the body.")
            if self._is_complete:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = self._chunks.popleft()
        self._size -= len(data)
        _wake(self._sender)
        return data

    def __await__(self) -> Generator[Any, None, Any]:
        async def read_all() -> bytes:
            return b"".join([chunk async for chunk in self])

        return read_all().__await__()

    async def wait_for_room(self) -> None:
        """Wait until the reader has caught up with the sender."""
        while self._size > MAX_BUFFERED_BYTES:
            self._sender = asyncio.get_running_loop().create_future()
            await self._sender


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


class BackpressureRequest(Request):
    """A request with a :class:`BackpressureBody`."""

    body_class = BackpressureBody
    body: BackpressureBody


class BackpressureConnection(ASGIHTTPConnection):
    """A connection that receives only while the body's buffer has room."""

    async def handle_messages(self, request: Request, receive: ASGIReceiveCallable) -> None:
        """Feed the body until the client disconnects."""
        assert isinstance(request, BackpressureRequest)
        while True:
            message = await receive()
            if message["type"] == "http.request":
                request.body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    request.body.set_complete()
                await request.body.wait_for_room()
            elif message["type"] == "http.disconnect":
                if not request.body.complete:
                    request.body.disconnect()
                    await asyncio.sleep(DISCONNECT_GRACE_SECONDS)
                return
