"""Collects network chunks into large writes, made in a thread."""

import asyncio

from processing.errors import EmptyFile
from processing.partial_uploads import PartialUpload
from quart_app.uploads import sniff

WRITE_BYTES = 512 * 1024


class Writer:
    """Fills one partial upload."""

    def __init__(self, partial: PartialUpload, name: str) -> None:
        self.partial = partial
        self._name = name
        self._pending: list[bytes | memoryview] = []
        self._size = 0
        self._sniffed = partial.size > 0
        self._writing: asyncio.Future[None] | None = None

    async def feed(self, data: bytes | memoryview) -> None:
        """Add a chunk; at most one write is in progress while more chunks arrive.

        Raises:
            Refused: the first bytes are no CSV, or the disk is full.
        """
        self._pending.append(data)
        self._size += len(data)
        if not self._sniffed and self._size >= sniff.HEAD_BYTES:
            self._sniff()
        if self._size >= WRITE_BYTES:
            await self._start_write()

    async def flush(self) -> None:
        """Write what is pending and wait until it is written. Raises as :meth:`feed`."""
        if self._pending:
            if not self._sniffed:
                self._sniff()
            await self._start_write()
        await self._finish_write()

    async def _start_write(self) -> None:
        await self._finish_write()
        pieces, self._pending, self._size = self._pending, [], 0
        self._writing = asyncio.ensure_future(asyncio.to_thread(self.partial.write, pieces))

    async def _finish_write(self) -> None:
        # Shielded: a cancelled request must not close the file while a thread writes to it.
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    async def complete(self) -> str:
        """Write the rest, make it durable and return the SHA-256 in hex.

        Raises:
            EmptyFile: there were no bytes.
            Refused: see :meth:`feed`.
        """
        await self.flush()
        if self.partial.size == 0:
            raise EmptyFile(f"“{self._name}” is empty.")
        return await asyncio.to_thread(self.partial.complete)

    async def settle(self) -> None:
        """Wait until no thread uses the partial upload any more; never raises."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
            if self._writing.cancelled() or self._writing.exception() is not None:
                self._pending = []
            self._writing = None

    async def discard(self) -> None:
        """Delete what was written."""
        await self.settle()
        self.partial.discard()

    def _sniff(self) -> None:
        self._sniffed = True
        sniff.reject_non_csv(self._name, b"".join(self._pending)[: sniff.HEAD_BYTES])
