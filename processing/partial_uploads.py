"""Uploads being written: one that comes in a single request, one that may come in several.

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
_FULL = "The disk is full; nothing more of this file was kept."


class PartialUpload:
    """An upload being written; SHA-256 is taken on the way."""

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
            TooLarge: more than the limit would have come; nothing of these pieces is kept.
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
        """Close and delete; may be called at any time, also after the file was adopted."""
        self.close()
        self.path.unlink(missing_ok=True)


class Digests:
    """SHA-256 so far of unfinished uploads, so that going on need not read again what is there."""

    MOST = 1000

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Any]] = {}

    def keep(self, name: str, size: int, digest: Any) -> None:
        """Remember the digest of the first ``size`` bytes."""
        self._known.pop(name, None)
        self._known[name] = size, digest
        if len(self._known) > self.MOST:
            del self._known[next(iter(self._known))]

    def take(self, path: Path, size: int) -> Any:
        """Return the digest of the first ``size`` bytes of ``path``, read again if need be."""
        known, digest = self._known.pop(path.name, (-1, None))
        if known == size:
            return digest
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while size > 0 and (data := file.read(min(_READ_BYTES, size))):
                digest.update(data)
                size -= len(data)
        return digest


class ResumablePartialUpload(PartialUpload):
    """An upload that may come in several requests, locked by the one that writes.

    The lock is the kernel's (flock), so it holds between processes and dies with its holder.
    The file's size is the offset; nothing else has to be kept for it.
    """

    def __init__(self, path: Path, limit: int, digests: Digests) -> None:
        """Open the existing ``path``, unlocked. Raises NotFound if it is gone."""
        self.path = path
        self._limit = limit
        self._digests = digests
        self._locked = False
        self._digest: Any = None
        self._wish = path.with_suffix(".wanted")
        try:
            self._file = path.open("r+b", buffering=0)
        except FileNotFoundError as error:
            raise NotFound("This upload has expired or was ended.") from error
        self.size = 0

    def lock(self) -> bool:
        """Take the lock and find the offset; False while another holds it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._locked = True
        self._wish.unlink(missing_ok=True)
        self.size = self._file.seek(0, os.SEEK_END)
        if not self.path.exists():
            self.close()
            raise NotFound("This upload has expired or was ended.")
        return True

    def ask_for(self) -> None:
        """Ask who holds the lock to let go: its connection may be dead without knowing."""
        self._wish.touch()

    @property
    def asked_for(self) -> bool:
        """Whether another request wants to go on with this upload."""
        return self._wish.exists()

    def begin(self) -> None:
        """Get ready to append, or to complete."""
        if self._digest is None:
            self._digest = self._digests.take(self.path, self.size)

    def truncate(self, size: int) -> None:
        """Forget what came after ``size`` bytes."""
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
        """Let the lock go; what was written stays."""
        if self._locked and self._digest is not None:
            self._digests.keep(self.path.name, self.size, self._digest)
        self._locked = False
        super().close()

    def discard(self) -> None:
        """Delete what came."""
        self._wish.unlink(missing_ok=True)
        super().discard()
