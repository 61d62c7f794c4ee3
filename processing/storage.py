"""Where bytes live: partial uploads, originals, artifacts; durable before anyone relies on them.

    MEDIA_ROOT/partial/<random>                         an upload on its way in
    MEDIA_ROOT/processing_files/<id>/original           the upload
    MEDIA_ROOT/processing_files/<id>/<attempt>/<name>   what an attempt wrote

All functions block; call them in a thread. Paths are made of numbers and of names that this
module checked, never of what a user typed.
"""

import contextlib
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from processing.errors import DiskFull, NotFound, TooLarge

# Kept free so that PostgreSQL, Redis and running jobs on the same disk go on.
DISK_RESERVE_BYTES = 64 * 1024 * 1024
ARTIFACT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Partial:
    """An upload being written; SHA-256 is taken on the way."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.size = 0
        self._limit = limit
        self._digest = hashlib.sha256()
        self._file = path.open("xb")

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            TooLarge: more than the limit has come.
            DiskFull: the disk has no room for it.
        """
        self.size += len(data)
        if self.size > self._limit:
            raise TooLarge(f"The file is larger than {self._limit // 1024 // 1024} MiB.")
        try:
            self._file.write(data)
        except OSError as error:
            raise DiskFull("The disk is full; nothing of this file was kept.") from error
        self._digest.update(data)

    def complete(self) -> str:
        """Make the bytes durable and return their SHA-256 in hex.

        Raises:
            DiskFull: the disk has no room for what was still buffered.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise DiskFull("The disk is full; nothing of this file was kept.") from error
        finally:
            self._file.close()
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Close and delete; may be called at any time, also after :meth:`Storage.adopt`."""
        with contextlib.suppress(OSError):  # the failed flush of a full disk: the file goes anyway
            self._file.close()
        self.path.unlink(missing_ok=True)


class Storage:
    """The folders under MEDIA_ROOT."""

    def __init__(self, root: Path) -> None:
        self._files = root.absolute() / "processing_files"
        self._files_text = str(self._files)
        self._partials = root.absolute() / "partial"

    def prepare(self) -> None:
        """Create the folders."""
        self._files.mkdir(parents=True, exist_ok=True)
        self._partials.mkdir(parents=True, exist_ok=True)

    def check_room(self, size: int) -> None:
        """Raise :class:`DiskFull` if ``size`` more bytes do not fit beside the reserve."""
        free = shutil.disk_usage(self._partials).free
        if size + DISK_RESERVE_BYTES > free:
            raise DiskFull(f"The disk has {free // 1024 // 1024} MiB free; the file would not fit.")

    def new_partial(self, limit: int) -> Partial:
        """Open a new partial upload of at most ``limit`` bytes."""
        self._partials.mkdir(parents=True, exist_ok=True)
        return Partial(self._partials / uuid.uuid4().hex, limit)

    def adopt(self, partial: Partial, file_id: int) -> None:
        """Give a completed partial its place as the original of ``file_id``, durably."""
        folder = self._files / str(file_id)
        folder.mkdir(parents=True, exist_ok=True)
        os.replace(partial.path, folder / "original")
        _fsync_folder(folder)
        _fsync_folder(self._files)

    def original(self, file_id: int) -> Path:
        """Path of the upload of ``file_id``."""
        return self._files / str(file_id) / "original"

    def places(self, file_id: int, attempt: int) -> tuple[str, str]:
        """Paths of the upload and of an attempt's folder, as text: workers need many a second."""
        folder = f"{self._files_text}/{file_id}"
        return f"{folder}/original", f"{folder}/{attempt}"

    def attempt_folder(self, file_id: int, attempt: int) -> Path:
        """Path of the folder that an attempt writes into."""
        return self._files / str(file_id) / str(attempt)

    def artifact(self, file_id: int, attempt: int, name: str) -> Path:
        """Path of an artifact.

        Raises:
            NotFound: no such regular file, or not a name an artifact can have.
        """
        if ARTIFACT_NAME.fullmatch(name):
            path = self.attempt_folder(file_id, attempt) / name
            if path.is_file() and not path.is_symlink():
                return path
        raise NotFound(f"File {file_id} has no artifact of this name.")

    def seal(self, file_id: int, attempt: int, names: list[str]) -> dict[str, int]:
        """Make the named artifacts durable, drop everything else the file's attempts left.

        Returns the size of each in bytes. Raises NotFound if one does not exist.
        """
        sizes: dict[str, int] = {}
        for name in names:
            path = self.artifact(file_id, attempt, name)
            with path.open("rb") as artifact:
                os.fsync(artifact.fileno())
            sizes[name] = path.stat().st_size
        folder = self.attempt_folder(file_id, attempt)
        if folder.is_dir():  # an attempt that wrote nothing has none
            for stray in folder.iterdir():
                if stray.name not in sizes:
                    _delete(stray)
            _fsync_folder(folder)
        for other in folder.parent.iterdir():
            if other.name.isdigit() and int(other.name) < attempt:
                _delete(other)
        _fsync_folder(folder.parent)
        return sizes

    def discard_attempt(self, file_id: int, attempt: int) -> None:
        """Delete what an attempt wrote."""
        shutil.rmtree(self.attempt_folder(file_id, attempt), ignore_errors=True)

    def drop_attempts(self, file_id: int, *, keep: int | None) -> None:
        """Delete what the attempts of a file wrote, except that of ``keep``."""
        try:
            names = [path.name for path in (self._files / str(file_id)).iterdir()]
        except FileNotFoundError:
            return
        for name in names:
            if name.isdigit() and int(name) != keep:
                self.discard_attempt(file_id, int(name))

    def remove(self, file_id: int) -> None:
        """Delete all data of a file."""
        shutil.rmtree(self._files / str(file_id), ignore_errors=True)

    def stored_ids(self) -> Iterator[tuple[int, float]]:
        """Yield (id, age in seconds) of every file that has a folder; there may be millions."""
        with os.scandir(self._files) as folders:
            for folder in folders:
                if folder.name.isdigit():
                    try:
                        age = time.time() - folder.stat().st_mtime
                    except FileNotFoundError:
                        continue
                    yield int(folder.name), age

    def drop_abandoned_partials(self, older_than: float) -> int:
        """Delete partial uploads nobody has written to for ``older_than`` seconds."""
        dropped = 0
        for path in self._partials.iterdir():
            try:
                if time.time() - path.stat().st_mtime > older_than:
                    path.unlink()
                    dropped += 1
            except FileNotFoundError:
                continue
        return dropped


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
