"""The wire between a worker and a child: JSON, no pickle, bounded in size.

Tasks are datagrams, so that what a child has not read can be taken back whole. Answers are a
stream of length-prefixed messages, so that they may be large.
"""

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_FRAME_BYTES = 16 * 1024 * 1024
# Well below what a socket buffer takes at once (net.core.wmem_default, 208 KiB on Linux).
MAX_TASK_BYTES = 128 * 1024
_HEADER = struct.Struct("!I")
_json = json.JSONEncoder(allow_nan=False)


class Task(NamedTuple):
    """What a child is to do. ``key`` names it in the answer; paths are absolute."""

    key: str
    handler: str
    name: str
    source: str
    folder: str
    options: Mapping[str, Any]
    sha256: str = ""

    def encode(self) -> bytes:
        """Return the datagram. Raises FrameTooLarge."""
        body = json.dumps(self).encode()
        if len(body) > MAX_TASK_BYTES:
            raise FrameTooLarge(f"its options make {len(body):,} bytes, {MAX_TASK_BYTES:,} fit")
        return body


class FrameTooLarge(Exception):
    """A message exceeds what fits."""


def encode(message: dict[str, Any]) -> bytes:
    """Return a frame. Raises FrameTooLarge, and what json raises for what JSON cannot say."""
    body = _json.encode(message).encode()
    if len(body) > MAX_FRAME_BYTES:
        raise FrameTooLarge(f"{len(body):,} bytes, at most {MAX_FRAME_BYTES:,} are allowed")
    return _HEADER.pack(len(body)) + body


class Decoder:
    """Cuts what arrives into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Take what arrived and return the messages that are complete.

        Raises:
            FrameTooLarge: a header announces too much.
            ValueError: what came is not a JSON object.
        """
        self._buffer += data
        messages = []
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer, start)
            if length > MAX_FRAME_BYTES:
                raise FrameTooLarge(f"{length:,} bytes, at most {MAX_FRAME_BYTES:,} are allowed")
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            message = json.loads(self._buffer[start + _HEADER.size : end].decode())
            if not isinstance(message, dict):
                raise ValueError("a message is a JSON object")  # noqa: TRY004 -- the peer's fault
            messages.append(message)
            start = end
        del self._buffer[:start]
        return messages


def receive_task(connection: socket.socket) -> Task | None:
    """Read the next task, blocking; None when the other side has closed."""
    body = connection.recv(MAX_TASK_BYTES)
    return Task(*json.loads(body)) if body else None
