"""What Schemathesis does not know of our media types: bytes are sent as they are."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def chunk(_: Any, value: Any) -> bytes:
    """A chunk of a resumable upload."""
    return value if isinstance(value, bytes) else str(value).encode()
