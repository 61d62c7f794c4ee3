"""Many clients in one process: followers of a stream, or readers of a page.

    python -m benchmarks.events.watchers hold PORT PATH COUNT     one line of JSON for each command
    python -m benchmarks.events.watchers read PORT PATH SECONDS

``hold`` opens COUNT streams, says "ready", and for each line of its input with a stream id waits
until every client has read that id; it answers with the milliseconds that took each of them, from
the time in the id.
"""

import asyncio
import json
import resource
import sys
import time
from typing import cast

import uvloop

READERS = 16
PATIENCE_SECONDS = 60.0


class Watcher(asyncio.Protocol):
    """One client; it looks for ids at the end of what comes and keeps nothing else."""

    def __init__(self, path: str, crowd: "Crowd") -> None:
        self._path = path
        self._crowd = crowd
        self._tail = b""
        self._begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        cast(asyncio.Transport, transport).write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Look for the first picture and for ids."""
        now = time.time()
        if not self._begun and b"handlingStatusChanged" in data:
            self._begun = True
            self._crowd.began()
        found = (self._tail + data).rfind(b"\nid: ")
        if found >= 0:
            rest = (self._tail + data)[found + 5 :]
            moment, _, number = rest.partition(b"\n")[0].strip().partition(b"-")
            if number.isdigit() and b"\n" in rest:
                self._crowd.saw(f"{moment.decode()}-{number.decode()}", now)
        self._tail = data[-64:]

    def connection_lost(self, _: Exception | None) -> None:
        """Count it, so that nobody waits for it."""
        self._crowd.lost += 1


class Crowd:
    """What all clients have seen."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.ready = asyncio.Event()
        self.lost = 0
        self._begun = 0
        self._seen: dict[str, list[float]] = {}

    def began(self) -> None:
        """Another client has its first picture."""
        self._begun += 1
        if self._begun >= self.count:
            self.ready.set()

    def saw(self, entry_id: str, now: float) -> None:
        """A client has read an id."""
        self._seen.setdefault(entry_id, []).append(1000 * now - int(entry_id.partition("-")[0]))

    async def all_saw(self, entry_id: str) -> list[float]:
        """Wait until every client has read it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self._seen.get(entry_id, ())) < self.count - self.lost:
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.005)
        return self._seen.pop(entry_id, [])


async def hold(port: int, path: str, count: int) -> None:
    """Open the streams and answer questions about ids."""
    loop = asyncio.get_running_loop()
    crowd = Crowd(count)
    for number in range(count):
        await loop.create_connection(lambda: Watcher(path, crowd), "127.0.0.1", port)
        if number % 200 == 199:
            await asyncio.sleep(0.05)
    await crowd.ready.wait()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await crowd.all_saw(line.strip())), flush=True)


async def read(port: int, path: str, seconds: float) -> None:
    """Ask for a page again and again over a few connections; print the requests per second."""
    done = 0
    deadline = time.monotonic() + seconds

    async def one() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        ask = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: millrace_owner=x\r\n\r\n".encode()
        while time.monotonic() < deadline:
            try:
                writer.write(ask)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                assert head.startswith(b"http/1.1 200"), head
                length = int(head.split(b"content-length:")[1].split()[0])
                await reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                # A server may end a connection after so many requests.
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
                continue
            done += 1

    await asyncio.gather(*(one() for _ in range(READERS)))
    print(json.dumps(done / seconds))


def main() -> None:
    """Run what the command line says."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    kind, port, path, number = sys.argv[1:]
    if kind == "hold":
        uvloop.run(hold(int(port), path, int(number)))
    else:
        uvloop.run(read(int(port), path, float(number)))


if __name__ == "__main__":
    main()
