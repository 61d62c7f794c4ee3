"""Checks before a byte is accepted: the servers, free space, and how much is in progress."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from processing import repository
from processing.core import Core
from processing.errors import DiskFull, TooLarge, TooMany
from quart_app.messages import counted
from quart_app.uploads.names import MAX_NAME_CHARACTERS

GIB = 1024**3
# Servers that just answered are not asked again for each of many small uploads.
PROBE_SECONDS = 0.2
# How long the sum over all files is used.
SUM_SECONDS = 5.0
QUEUE_FULL_RETRY_SECONDS, BUSY_RETRY_SECONDS = 30, 2


class UploadAdmission:
    """Admits an upload or raises the reason why not."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._settings = core.settings
        self._uploads_in_progress = 0
        self._probed_at = float("-inf")
        self._queued = 0
        self._stored_bytes = 0
        self._summed_at = float("-inf")

    async def check(self, size: int | None, *, files: int = 1) -> None:
        """Refuse what could not be accepted; ``size`` in bytes, None if unknown.

        ``size`` may be the total of up to ``files`` files.

        Raises:
            DatabaseUnavailable, RedisUnavailable: a server does not answer.
            TooLarge, DiskFull, TooMany: a limit is exceeded.
        """
        max_bytes = self._settings.max_upload_bytes
        if size is not None and size > max_bytes * files:
            raise TooLarge(f"The file is larger than {max_bytes // 1024 // 1024:,} MiB.")
        if time.monotonic() - self._probed_at > PROBE_SECONDS:
            await self._probe_servers()
        if self._queued >= self._settings.max_queued:
            text = f"The queue is full ({counted(self._queued, 'job')}). Try again later."
            raise TooMany(text, QUEUE_FULL_RETRY_SECONDS)
        await asyncio.to_thread(self._core.storage.check_room, size or 0)
        await self.reserve(size or 0)

    async def _probe_servers(self) -> None:
        async with self._core.database.connect() as connection:
            await repository.ping(connection)
        self._queued = await self._core.jobs.length()
        self._probed_at = time.monotonic()

    async def reserve(self, size: int) -> None:
        """Count ``size`` bytes towards the total storage. Raises DiskFull."""
        if not self._settings.max_stored_gb:
            return
        max_bytes = int(self._settings.max_stored_gb * GIB)
        if time.monotonic() - self._summed_at > SUM_SECONDS:
            async with self._core.database.connect() as connection:
                self._stored_bytes = await repository.stored_bytes(connection)
            self._summed_at = time.monotonic()
        if self._stored_bytes + size > max_bytes:
            raise DiskFull(
                f"Not enough storage: {self._stored_bytes / GIB:.1f} of {max_bytes / GIB:g} GiB "
                "are used. Delete files that are no longer needed."
            )
        # Counted at once, so that many small uploads cannot slip past the sum.
        self._stored_bytes += size

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Count an upload while its bytes arrive. Raises TooMany."""
        if self._uploads_in_progress >= self._settings.max_uploads_at_once:
            text = (
                f"The server is receiving {counted(self._uploads_in_progress, 'upload')} already."
            )
            raise TooMany(f"{text} Try again shortly.", BUSY_RETRY_SECONDS)
        self._uploads_in_progress += 1
        try:
            yield
        finally:
            self._uploads_in_progress -= 1

    def limits(self) -> dict[str, int | float | None]:
        """Every limit of an upload by its name in the API; None for no limit."""
        settings = self._settings
        return {
            "file_bytes": settings.max_upload_bytes,
            "files_per_request": settings.max_files_per_request,
            "stored_bytes": int(settings.max_stored_gb * GIB) or None,
            "queued_jobs": settings.max_queued,
            "uploads_at_once": settings.max_uploads_at_once,
            "requests_per_minute": settings.max_requests_per_minute or None,
            "slow_upload_seconds": settings.slow_upload_seconds,
            "resumable_hours": settings.upload_hours,
            "name_characters": MAX_NAME_CHARACTERS,
        }
