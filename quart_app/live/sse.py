"""Server-Sent Events on the wire.

Format: WHATWG HTML Living Standard, section 9.2.6.
"""

import random
import re
from collections.abc import AsyncIterator

from quart import Response

from quart_app.http.headers import EVENT_STREAM

# Browsers end a line at each of these.
_LINE_END = re.compile("\r\n|\n|\r")
HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 2000
# At shutdown, clients are told to reconnect after random delays, to avoid a reconnect storm.
RETRY_SPREAD_MILLISECONDS = (500, 4000)
_STREAM_ID = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")
HEARTBEAT = b": heartbeat\n\n"


class Message:
    """One event, encoded once for all clients; ``id`` is '' if nobody can resume after it."""

    __slots__ = ("data", "event", "id", "wire")

    def __init__(self, event: str, data: str, id: str = "") -> None:  # noqa: A002 -- its name
        self.event = event
        self.data = data
        self.id = id
        # Every line of the data needs its own ``data:``.
        lines = [f"event: {event}", *(f"data: {line}" for line in _LINE_END.split(data))]
        if id:
            lines.append(f"id: {id}")
        self.wire = ("\n".join(lines) + "\n\n").encode()


def retry(milliseconds: int) -> bytes:
    """Tell the client how long to wait before it reconnects."""
    return f"retry: {milliseconds}\n\n".encode()


def is_stream_id(text: str) -> bool:
    """Whether ``text`` has the form of a stream id."""
    return _STREAM_ID.fullmatch(text) is not None


def respond(messages: AsyncIterator[Message | None]) -> Response:
    """Stream ``messages`` for as long as the client stays; None is sent as a heartbeat."""
    response = Response(_wire(messages), content_type=EVENT_STREAM)
    # By default Quart ends a response after a minute; a stream lasts as long as its tab.
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _wire(messages: AsyncIterator[Message | None]) -> AsyncIterator[bytes]:
    yield retry(RETRY_MILLISECONDS)
    async for message in messages:
        yield HEARTBEAT if message is None else message.wire
    yield retry(random.randint(*RETRY_SPREAD_MILLISECONDS))  # noqa: S311
