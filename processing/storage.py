"""The files under MEDIA_ROOT; each is durable before anything relies on it.

    MEDIA_ROOT/partial/<random>                         an unfinished upload
    MEDIA_ROOT/resumable/<upload id>                    an unfinished resumable upload
    MEDIA_ROOT/processing_files/<id>/original           the upload
    MEDIA_ROOT/processing_files/<id>/<attempt>/<name>   what an attempt wrote

All functions block; call them in a thread. Paths are made of numbers and of names that this
module has checked, never of user input.
"""

import contextlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from processing.errors import DiskFull, NotFound
from processing.partial_uploads import (
    DigestCache,
    PartialUpload,
    ResumablePartialUpload,
    takeover_marker,
)

# Kept free for PostgreSQL, Redis and running jobs on the same disk.
DISK_RESERVE_BYTES = 64 * 1024 * 1024
UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
ARTIFACT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Storage:
    """The folders under MEDIA_ROOT."""

    def __init__(self, root: Path) -> None:
        self._files = root.absolute() / "processing_files"
        self._files_text = str(self._files)
        self._partials = root.absolute() / "partial"
        self._resumable = root.absolute() / "resumable"
        self._digests = DigestCache()

    def prepare(self) -> None:
        """Create the folders."""
        self._files.mkdir(parents=True, exist_ok=True)
        self._partials.mkdir(parents=True, exist_ok=True)
        self._resumable.mkdir(parents=True, exist_ok=True)

    def check_room(self, size: int) -> None:
        """Raise DiskFull if ``size`` more bytes do not fit beside the reserve."""
        free = shutil.disk_usage(self._partials).free
        if size + DISK_RESERVE_BYTES > free:
            raise DiskFull(f"Not enough disk space: {free // 1024 // 1024:,} MiB are free.")

    def new_partial(self, limit: int) -> PartialUpload:
        """Open a new partial upload of at most ``limit`` bytes."""
        self._partials.mkdir(parents=True, exist_ok=True)
        return PartialUpload(self._partials / uuid.uuid4().hex, limit)

    def create_resumable(self, upload_id: str) -> None:
        """Create the empty file of a new resumable upload."""
        self._resumable.mkdir(parents=True, exist_ok=True)
        (self._resumable / upload_id).touch(exist_ok=False)

    def open_resumable(self, upload_id: str, limit: int) -> ResumablePartialUpload:
        """Open a resumable upload of ``limit`` bytes. Raises NotFound."""
        if not UPLOAD_ID.fullmatch(upload_id):
            raise NotFound("This upload does not exist.")
        return ResumablePartialUpload(self._resumable / upload_id, limit, self._digests)

    def resumable_size(self, upload_id: str) -> int:
        """Return how many bytes of an upload have arrived; 0 if it has no file."""
        with contextlib.suppress(FileNotFoundError):
            return (self._resumable / upload_id).stat().st_size
        return 0

    def delete_resumable(self, upload_id: str) -> None:
        """Delete the bytes of a resumable upload."""
        if UPLOAD_ID.fullmatch(upload_id):
            path = self._resumable / upload_id
            path.unlink(missing_ok=True)
            takeover_marker(path).unlink(missing_ok=True)

    def resumable_ids(self, idle_seconds: float) -> tuple[list[str], list[str]]:
        """Return the resumable uploads written to within ``idle_seconds``, and the idle ones."""
        idle = {path.name for path in _idle_paths(self._resumable, idle_seconds)}
        names = [path.name for path in self._resumable.iterdir() if not path.suffix]
        return [n for n in names if n not in idle], [n for n in names if n in idle]

    def adopt(self, source: Path, file_id: int, *, keep: bool = False) -> None:
        """Make the complete upload ``source`` the original of ``file_id``, durably.

        With ``keep``, ``source`` stays as a second link to the same data: until the row is
        committed, the client must be able to submit the upload again.
        """
        folder = self._files / str(file_id)
        folder.mkdir(parents=True, exist_ok=True)
        if keep:
            _link(source, folder / "original")
        else:
            os.replace(source, folder / "original")
        _fsync_folder(folder)
        _fsync_folder(self._files)

    def original(self, file_id: int) -> Path:
        """Return the path of the upload of ``file_id``."""
        return self._files / str(file_id) / "original"

    def task_paths(self, file_id: int, attempt: int) -> tuple[str, str]:
        """Return the paths of the upload and of an attempt's folder as text, which is fast."""
        folder = f"{self._files_text}/{file_id}"
        return f"{folder}/original", f"{folder}/{attempt}"

    def attempt_folder(self, file_id: int, attempt: int) -> Path:
        """Return the folder that an attempt writes to."""
        return self._files / str(file_id) / str(attempt)

    def artifact(self, file_id: int, attempt: int, name: str) -> Path:
        """Return the path of an artifact.

        Raises:
            NotFound: no such regular file, or not a valid artifact name.
        """
        if ARTIFACT_NAME.fullmatch(name):
            path = self.attempt_folder(file_id, attempt) / name
            if path.is_file() and not path.is_symlink():
                return path
        raise NotFound(f"File {file_id} has no artifact with this name.")

    def seal(self, file_id: int, attempt: int, names: list[str]) -> dict[str, int]:
        """Make the named artifacts durable; delete everything else this and earlier attempts wrote.

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

    def delete_attempt(self, file_id: int, attempt: int) -> None:
        """Delete what an attempt wrote."""
        shutil.rmtree(self.attempt_folder(file_id, attempt), ignore_errors=True)

    def delete_attempts(self, file_id: int, *, keep: int | None) -> None:
        """Delete what the attempts of a file wrote, except the attempt ``keep``."""
        try:
            names = [path.name for path in (self._files / str(file_id)).iterdir()]
        except FileNotFoundError:
            return
        for name in names:
            if name.isdigit() and int(name) != keep:
                self.delete_attempt(file_id, int(name))

    def delete_file(self, file_id: int) -> None:
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

    def delete_abandoned_partials(self, older_than: float) -> None:
        """Delete partial uploads that were not written to for ``older_than`` seconds."""
        for path in _idle_paths(self._partials, older_than):
            path.unlink(missing_ok=True)


def _idle_paths(folder: Path, seconds: float) -> Iterator[Path]:
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > seconds:
                yield path


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
        with target.open("rb") as copied:
            os.fsync(copied.fileno())


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
