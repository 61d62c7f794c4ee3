"""The protocol between a worker and its children: JSON (no pickle) of bounded size.

Tasks are datagrams, so that the worker can take back whole tasks that a child has not read.
Answers are a stream of length-prefixed messages, so that they can be large.
"""

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# Well below the default size of a socket buffer (net.core.wmem_default, 208 KiB on Linux).
MAX_TASK_BYTES = 128 * 1024
_HEADER = struct.Struct("!I")
_json = json.JSONEncoder(allow_nan=False)


class Task(NamedTuple):
    """What a child has to do. ``key`` identifies it in the answer; paths are absolute."""

    key: str
    handler: str
    name: str
    source: str
    folder: str
    options: Mapping[str, Any]
    sha256: str = ""

    def encode(self) -> bytes:
        """Return the datagram. Raises MessageTooLarge."""
        body = json.dumps(self).encode()
        if len(body) > MAX_TASK_BYTES:
            raise MessageTooLarge(
                f"its options take {len(body):,} bytes; at most {MAX_TASK_BYTES:,} are allowed"
            )
        return body


class MessageTooLarge(Exception):
    """A message exceeds its size limit."""


def encode(message: dict[str, Any]) -> bytes:
    """Return a length-prefixed message. Raises MessageTooLarge, and json's errors."""
    body = _json.encode(message).encode()
    if len(body) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"{len(body):,} bytes; at most {MAX_MESSAGE_BYTES:,} are allowed")
    return _HEADER.pack(len(body)) + body


class Decoder:
    """Splits the received bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Add received bytes and return the messages that are complete.

        Raises:
            MessageTooLarge: a header announces too many bytes.
            ValueError: a message is not a JSON object.
        """
        self._buffer += data
        messages = []
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer, start)
            if length > MAX_MESSAGE_BYTES:
                raise MessageTooLarge(
                    f"{length:,} bytes; at most {MAX_MESSAGE_BYTES:,} are allowed"
                )
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            message = json.loads(self._buffer[start + _HEADER.size : end].decode())
            if not isinstance(message, dict):
                raise ValueError("a message is not a JSON object")  # noqa: TRY004 -- the peer's fault
            messages.append(message)
            start = end
        del self._buffer[:start]
        return messages


def receive_task(connection: socket.socket) -> Task | None:
    """Read the next task, blocking; None once the worker has closed the connection."""
    body = connection.recv(MAX_TASK_BYTES)
    return Task(*json.loads(body)) if body else None
