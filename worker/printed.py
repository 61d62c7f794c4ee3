"""What a child prints: a file without a name that never grows large."""

import os
import tempfile
from collections.abc import Callable
from fcntl import F_SETFL, fcntl
from multiprocessing import reduction
from typing import Any

MOST_BYTES = 1024 * 1024
SHOWN_BYTES = 2000


def _received(descriptor: Any) -> int:
    return int(descriptor.detach())


class _Descriptor:
    """A file descriptor among the arguments of a process: it arrives there as a number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _received, (reduction.DupFd(self._number),)


class Printed:
    """Standard output and error of one child; nobody waits for whoever reads it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 -- closed in close()
        # So that it can be emptied under the child, which goes on writing at the new end.
        fcntl(self._file, F_SETFL, os.O_APPEND)

    @property
    def argument(self) -> Any:
        """What to give a new process, which gets the number of a descriptor."""
        return _Descriptor(self._file.fileno())

    @property
    def size(self) -> int:
        """Bytes that are kept at the moment."""
        return os.fstat(self._file.fileno()).st_size

    def take(self) -> str:
        """Return the end of what was printed, and forget it."""
        size = self.size
        if not size:
            return ""
        words = os.pread(self._file.fileno(), SHOWN_BYTES, max(0, size - SHOWN_BYTES))
        os.ftruncate(self._file.fileno(), 0)
        return words.decode(errors="replace").strip()

    def trim(self) -> None:
        """Drop what was printed if it is much."""
        if self.size > MOST_BYTES:
            os.ftruncate(self._file.fileno(), 0)

    def close(self) -> None:
        """Free it."""
        self._file.close()
