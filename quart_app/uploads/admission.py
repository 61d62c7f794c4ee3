"""What is checked before a byte is taken: the servers, the room, and how much is under way."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from processing import repository
from processing.broker import translate_redis_errors
from processing.core import Core
from processing.errors import DiskFull, TooLarge, TooMany
from quart_app.uploads.names import MOST_NAME_CHARACTERS

GIB = 1024**3
# Servers that answered a moment ago are not asked again for each of many small uploads.
ASK_SECONDS = 0.2
# How long a sum over all files is good for.
SUM_SECONDS = 5.0


class Gate:
    """Lets an upload begin, or says why not."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._settings = core.settings
        self._under_way = 0
        self._asked_at = float("-inf")
        self._queued = 0
        self._stored = 0
        self._summed_at = float("-inf")

    async def check(self, size: int | None, *, files: int = 1) -> None:
        """Refuse what could not be accepted; ``size`` in bytes, None where it is not known.

        ``size`` may be spread over so many ``files``.

        Raises:
            DatabaseUnavailable, RedisUnavailable: a server does not answer.
            TooLarge, DiskFull, TooMany: see there.
        """
        limit = self._settings.max_upload_bytes
        if size is not None and size > limit * files:
            raise TooLarge(f"The file is larger than {limit // 1024 // 1024} MiB.")
        if time.monotonic() - self._asked_at > ASK_SECONDS:
            async with self._core.database.connect() as connection:
                await repository.ping(connection)
            with translate_redis_errors():
                self._queued = int(await self._core.commands.xlen(self._core.jobs.stream))
            self._asked_at = time.monotonic()
        if self._queued >= self._settings.max_queued:
            words = f"{self._queued:,} jobs are in line, which is the most; try again later."
            raise TooMany(words, 30)
        await asyncio.to_thread(self._core.storage.check_room, size or 0)
        await self.count(size or 0)

    async def count(self, size: int) -> None:
        """Count ``size`` bytes towards what may be stored in all. Raises DiskFull."""
        if not self._settings.max_stored_gb:
            return
        most = int(self._settings.max_stored_gb * GIB)
        if time.monotonic() - self._summed_at > SUM_SECONDS:
            async with self._core.database.connect() as connection:
                self._stored = await repository.stored_bytes(connection)
            self._summed_at = time.monotonic()
        if self._stored + size > most:
            raise DiskFull(
                f"{self._stored / GIB:.1f} of {most / GIB:g} GiB are in use, and this does not "
                "fit; remove files that are no longer needed."
            )
        # Until the next sum, so that many small uploads cannot slip past it.
        self._stored += size

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Count an upload while its bytes come. Raises TooMany."""
        if self._under_way >= self._settings.max_uploads_at_once:
            raise TooMany(f"{self._under_way} uploads are under way, which is the most.", 2)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def limits(self) -> dict[str, int | float | None]:
        """Every limit that an upload meets, by its name in the API; None for none."""
        chosen = self._settings
        return {
            "file_bytes": chosen.max_upload_bytes,
            "files_per_request": chosen.max_files_per_request,
            "stored_bytes": int(chosen.max_stored_gb * GIB) or None,
            "queued_jobs": chosen.max_queued,
            "uploads_at_once": chosen.max_uploads_at_once,
            "requests_per_minute": chosen.max_requests_per_minute or None,
            "slow_upload_seconds": chosen.slow_upload_seconds,
            "resumable_hours": chosen.upload_hours,
            "name_characters": MOST_NAME_CHARACTERS,
        }
