"""Uploads being written: in one request, or resumable over several.

All functions block; call them in a thread.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from processing.errors import DiskFull, NotFound, TooLarge

_READ_BYTES = 1024 * 1024
_FULL = "The disk is full, so the rest of this file was not stored."


class PartialUpload:
    """An upload being written; its SHA-256 is computed on the way."""

    def __init__(self, path: Path, limit: int) -> None:
        """Create ``path`` for at most ``limit`` bytes."""
        self.path = path
        self.size = 0
        self._limit = limit
        self._digest: Any = hashlib.sha256()
        self._file: BinaryIO = path.open("xb")

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Append.

        Raises:
            TooLarge: the upload would exceed its limit; none of these pieces is written.
            DiskFull: the disk has no room for it.
        """
        length = sum(map(len, pieces))
        if self.size + length > self._limit:
            raise TooLarge(f"The file is larger than {self._limit // 1024 // 1024} MiB.")
        try:
            for piece in pieces:
                self._file.write(piece)
        except OSError as error:
            raise DiskFull(_FULL) from error
        self.size += length
        for piece in pieces:
            self._digest.update(piece)

    def complete(self) -> str:
        """Make the bytes durable and return their SHA-256 in hex.

        Raises:
            DiskFull: the disk has no room for what was still buffered.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise DiskFull(_FULL) from error
        finally:
            self.close()
        return str(self._digest.hexdigest())

    def close(self) -> None:
        """Close the file; what was written stays."""
        with contextlib.suppress(OSError):  # the failed flush of a full disk
            self._file.close()

    def discard(self) -> None:
        """Close and delete; harmless at any time, also after the file was adopted."""
        self.close()
        self.path.unlink(missing_ok=True)


class DigestCache:
    """The SHA-256 states of unfinished uploads, so that resuming need not read them again."""

    MAX_ENTRIES = 1000

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Any]] = {}

    def store(self, name: str, size: int, digest: Any) -> None:
        """Remember the digest of the first ``size`` bytes."""
        self._known.pop(name, None)
        self._known[name] = size, digest
        if len(self._known) > self.MAX_ENTRIES:
            del self._known[next(iter(self._known))]

    def take(self, path: Path, size: int) -> Any:
        """Return the digest of the first ``size`` bytes of ``path``, reading them if necessary."""
        known, digest = self._known.pop(path.name, (-1, None))
        if known == size:
            return digest
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while size > 0 and (data := file.read(min(_READ_BYTES, size))):
                digest.update(data)
                size -= len(data)
        return digest


def takeover_marker(path: Path) -> Path:
    """Return the file whose existence asks the holder of an upload's lock to release it."""
    return path.with_suffix(".wanted")


class ResumablePartialUpload(PartialUpload):
    """An upload that can arrive in several requests, locked by the request that writes.

    The lock is the kernel's (flock), so it holds between processes and is released when its
    holder dies. The file's size is the upload's offset; nothing else is stored for it.
    """

    def __init__(self, path: Path, limit: int, digests: DigestCache) -> None:
        """Open the existing ``path``, unlocked. Raises NotFound if it does not exist."""
        self.path = path
        self._limit = limit
        self._digests = digests
        self._locked = False
        self._digest: Any = None
        self._takeover = takeover_marker(path)
        try:
            self._file = path.open("r+b", buffering=0)
        except FileNotFoundError as error:
            raise NotFound("This upload has expired or was discarded.") from error
        self.size = 0

    def lock(self) -> bool:
        """Take the lock and find the offset; False if another request holds it. Raises NotFound."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._locked = True
        self._takeover.unlink(missing_ok=True)
        self.size = self._file.seek(0, os.SEEK_END)
        if not self.path.exists():
            self.close()
            raise NotFound("This upload has expired or was discarded.")
        return True

    def request_takeover(self) -> None:
        """Ask the holder of the lock to release it: its connection may be dead."""
        self._takeover.touch()

    @property
    def takeover_requested(self) -> bool:
        """Whether another request wants to continue this upload."""
        return self._takeover.exists()

    def load_digest(self) -> None:
        """Load the digest of what is there; required before appending or completing."""
        if self._digest is None:
            self._digest = self._digests.take(self.path, self.size)

    def truncate(self, size: int) -> None:
        """Delete everything after ``size`` bytes."""
        self._file.truncate(size)
        self._file.seek(size)
        self.size = size
        self._digest = self._digests.take(self.path, size)

    def complete(self) -> str:
        """Make the bytes durable and return their SHA-256 in hex; the lock stays."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise DiskFull(_FULL) from error
        return str(self._digest.hexdigest())

    def close(self) -> None:
        """Release the lock; what was written stays."""
        if self._locked and self._digest is not None:
            self._digests.store(self.path.name, self.size, self._digest)
        self._locked = False
        super().close()

    def discard(self) -> None:
        """Delete the upload."""
        self._takeover.unlink(missing_ok=True)
        super().discard()
