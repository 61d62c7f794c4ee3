"""A line that breaks: forwards TCP connections and cuts each after a number of bytes."""

import asyncio
import random
from types import TracebackType
from typing import Self

CHUNK = 16 * 1024


class Cutter:
    """Listens on a free port for ``host:port`` and cuts ``cuts`` uploads at random offsets."""

    def __init__(self, host: str, port: int, *, cuts: int, most_bytes: int, seed: int) -> None:
        self.cuts_left = cuts
        self.port = 0
        self._target = host, port
        self._most_bytes = most_bytes
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        ways = [
            asyncio.create_task(self._upstream(reader, back)),
            asyncio.create_task(_pump(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, back):
                end.transport.abort()

    async def _upstream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward what the browser sends, until so much has gone through this connection."""
        least, most = self._most_bytes // 10, self._most_bytes
        left = self._random.randint(least, most) if self.cuts_left > 0 else None
        while data := await reader.read(CHUNK):
            if left is not None and len(data) > left and self.cuts_left > 0:
                writer.write(data[:left])
                await writer.drain()
                self.cuts_left -= 1
                return
            left = None if left is None else left - len(data)
            writer.write(data)
            await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
