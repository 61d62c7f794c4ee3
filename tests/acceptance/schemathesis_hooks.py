"""What Schemathesis does not know of our media types: bytes are sent as they are."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def piece(_: Any, value: Any) -> bytes:
    """A piece of a resumable upload."""
    return value if isinstance(value, bytes) else str(value).encode()
