"""From chunks as the network brings them to large writes in a thread."""

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
        self._looked = partial.size > 0
        self._writing: asyncio.Future[None] | None = None

    async def feed(self, data: bytes | memoryview) -> None:
        """Take what came; a write goes on while more comes, one at a time.

        Raises:
            Refused: the first bytes show that it is no CSV, or there is no room for them.
        """
        self._pending.append(data)
        self._size += len(data)
        if not self._looked and self._size >= sniff.HEAD_BYTES:
            self._look()
        if self._size >= WRITE_BYTES:
            await self._begin_write()

    async def flush(self) -> None:
        """Write what is pending, to its end."""
        if self._pending:
            if not self._looked:
                self._look()
            await self._begin_write()
        await self._end_write()

    async def _begin_write(self) -> None:
        await self._end_write()
        pieces, self._pending, self._size = self._pending, [], 0
        self._writing = asyncio.ensure_future(asyncio.to_thread(self.partial.write, pieces))

    async def _end_write(self) -> None:
        # Who is cancelled while a thread writes must not close the file under it.
        if self._writing is not None:
            await asyncio.shield(self._writing)
            self._writing = None

    async def complete(self) -> str:
        """Write the rest, make it durable and return the SHA-256 in hex.

        Raises:
            EmptyFile: nothing came.
            Refused: see :meth:`feed`.
        """
        await self.flush()
        if self.partial.size == 0:
            raise EmptyFile(f"“{self._name}” is empty: it has no bytes.")
        return await asyncio.to_thread(self.partial.complete)

    async def settle(self) -> None:
        """Wait until no thread uses the partial any more."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
            if self._writing.cancelled() or self._writing.exception() is not None:
                self._pending = []
            self._writing = None

    async def discard(self) -> None:
        """Delete what came."""
        await self.settle()
        self.partial.discard()

    def _look(self) -> None:
        self._looked = True
        sniff.look(self._name, b"".join(self._pending)[: sniff.HEAD_BYTES])
