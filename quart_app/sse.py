"""Server-Sent Events on the wire.

Format: WHATWG HTML Living Standard, section 9.2.6.
"""

import re
from dataclasses import dataclass

# The parser of the browser ends a line at each of these.
_LINE_END = re.compile("\r\n|\n|\r")
HEARTBEAT = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class Message:
    """One event; ``id`` is '' where a reader cannot resume after it."""

    event: str
    data: str
    id: str = ""


def encode(message: Message) -> bytes:
    """Return the bytes of an event; every line of its data gets a ``data:`` of its own."""
    lines = [f"event: {message.event}"]
    lines += [f"data: {line}" for line in _LINE_END.split(message.data)]
    if message.id:
        lines.append(f"id: {message.id}")
    return ("\n".join(lines) + "\n\n").encode()


def retry(milliseconds: int) -> bytes:
    """Tell the client how long to wait before it comes back."""
    return f"retry: {milliseconds}\n\n".encode()
