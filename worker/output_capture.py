"""Captures what a child prints, in an unnamed file of bounded size."""

import os
import tempfile
from collections.abc import Callable
from fcntl import F_SETFL, fcntl
from multiprocessing import reduction
from typing import Any

MAX_BYTES = 1024 * 1024
TAIL_BYTES = 2000


def _received(descriptor: Any) -> int:
    return int(descriptor.detach())


class _Descriptor:
    """A file descriptor as an argument of a process, which receives its number there."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _received, (reduction.DupFd(self._number),)


class OutputCapture:
    """Standard output and error of one child, which never blocks on writing them."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 -- closed in close()
        # So that it can be truncated while the child writes: it continues at the new end.
        fcntl(self._file, F_SETFL, os.O_APPEND)

    @property
    def argument(self) -> Any:
        """The argument for a new process, which receives the number of a descriptor."""
        return _Descriptor(self._file.fileno())

    @property
    def size(self) -> int:
        """Bytes that are stored at the moment."""
        return os.fstat(self._file.fileno()).st_size

    def take(self) -> str:
        """Return the last :data:`TAIL_BYTES` that were printed, and delete everything."""
        size = self.size
        if not size:
            return ""
        tail = os.pread(self._file.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES))
        os.ftruncate(self._file.fileno(), 0)
        return tail.decode(errors="replace").strip()

    def trim(self) -> None:
        """Delete what was printed if it exceeds :data:`MAX_BYTES`."""
        if self.size > MAX_BYTES:
            os.ftruncate(self._file.fileno(), 0)

    def close(self) -> None:
        """Close the file, which deletes it."""
        self._file.close()
