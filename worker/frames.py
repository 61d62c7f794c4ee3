"""The wire between a worker and a child: length-prefixed JSON, no pickle, bounded in size."""

import asyncio
import json
import socket
import struct
from typing import Any

MAX_FRAME_BYTES = 16 * 1024 * 1024
_HEADER = struct.Struct("!I")


class FrameTooLarge(Exception):
    """A message exceeds MAX_FRAME_BYTES."""


def encode(message: dict[str, Any]) -> bytes:
    """Return a frame. Raises FrameTooLarge, and what json raises for what JSON cannot say."""
    body = json.dumps(message, allow_nan=False).encode()
    if len(body) > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"{len(body):,} bytes, at most {MAX_FRAME_BYTES:,} are allowed")
    return _HEADER.pack(len(body)) + body


async def read(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Read the next message.

    Raises:
        FrameTooLarge: the header announces too much.
        EOFError: the other side is gone (asyncio.IncompleteReadError).
        ValueError: what came is not a JSON object.
    """
    (length,) = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if length > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"{length:,} bytes, at most {MAX_FRAME_BYTES:,} are allowed")
    message = json.loads(await reader.readexactly(length))
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")  # noqa: TRY004 -- the peer's fault
    return message


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """Read the next message, blocking; None when the other side has closed."""
    header = _exactly(connection, _HEADER.size)
    if header is None:
        return None
    body = _exactly(connection, _HEADER.unpack(header)[0])
    return None if body is None else dict(json.loads(body))


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)
