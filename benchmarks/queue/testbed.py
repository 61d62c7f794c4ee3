"""The servers that every candidate uses, one after the other, and what is read from them."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from processing.core import Core
from processing.paths import ROOT
from processing.settings import Settings
from processing.stream_reader import START
from standalone.services import Postgres, Valkey, free_port

PASSWORD = "benchmark"
PREFIX = "millrace"
HANDLER = "noop"
NOOP = """
from worker.handlers import Context, Result, handler

@handler(title="Nothing")
def noop(context: Context) -> Result:
    return Result()
"""


@dataclass(frozen=True)
class Testbed:
    """Valkey, PostgreSQL with the schema, and a folder for everything else."""

    folder: Path
    settings: Settings

    @property
    def environment(self) -> dict[str, str]:
        """What programs need to find the servers and the handler that does nothing."""
        return {
            **os.environ,
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "MEDIA_ROOT": str(self.settings.media_root),
            "EVENTS_KEPT": str(self.settings.events_kept),
            "WORKER_SLOTS": str(self.settings.worker_slots),
            "PYTHONPATH": f"{self.folder / 'handlers'}{os.pathsep}{ROOT}",
        }

    def start(self, argv: list[str], log: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a program that logs to a file of this name."""
        with (self.folder / log).open("ab") as output:
            return subprocess.Popen(
                argv,
                env={**self.environment, **more},
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


@contextmanager
def running_testbed(folder: Path, slots: int = 2) -> Iterator[Testbed]:
    """Start the servers, and stop them at the end."""
    valkey = Valkey(folder / "valkey", free_port(), PASSWORD)
    postgres = Postgres(folder / "postgres", free_port(), PASSWORD)
    valkey.start()
    postgres.start()
    try:
        settings = Settings(
            database_url=postgres.url,
            redis_url=valkey.url,
            media_root=folder / "media",
            events_kept=10_000_000,
            worker_slots=slots,
            stream_prefix=PREFIX,
        )
        made = Testbed(folder, settings)
        _install_handler(folder / "handlers")
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=ROOT,
            env=made.environment,
            check=True,
            capture_output=True,
        )
        yield made
    finally:
        postgres.stop()
        valkey.stop()


def _install_handler(folder: Path) -> None:
    info = folder / "noop-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "noop.py").write_text(NOOP)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[millrace.handlers]\nnoop = noop:noop\n")


async def clear(core: Core) -> None:
    """Empty both servers."""
    await core.commands.flushall()
    async with core.database.connect() as connection:
        await connection.execute(text("TRUNCATE processing_file RESTART IDENTITY CASCADE"))


_FILL = """
    INSERT INTO processing_file (name, size, sha256, handler, status, started_at, finished_at)
    SELECT 'a.csv', 4, repeat('0', 64), :handler, :status, CAST(:ended AS timestamptz),
           CAST(:ended AS timestamptz)
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint))
"""


async def fill(core: Core, count: int, *, finished: bool = False) -> None:
    """Insert ``count`` rows that wait, or that ended."""
    chosen = {"handler": HANDLER, "status": "Ok" if finished else "Waiting"}
    ended = datetime.now(UTC) if finished else None
    async with core.database.connect() as connection:
        for first in range(1, count + 1, 100_000):
            last = min(count, first + 99_999)
            parameters = {**chosen, "ended": ended, "first": first, "last": last}
            await connection.execute(text(_FILL), parameters)
        await connection.execute(text("VACUUM ANALYZE processing_file"))
        await connection.execute(text("CHECKPOINT"))


async def settled(core: Core) -> None:
    """Have Valkey rewrite its file now, which it does now and then, and wait until it is done."""
    await core.commands.bgrewriteaof()
    while (await core.commands.info("persistence"))["aof_rewrite_in_progress"]:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def finished(core: Core, count: int, seconds: float) -> float:
    """Wait for the events of ``count`` jobs; return jobs per second from first to last event.

    Jobs that wait behind these go on meanwhile: what has been done is counted, two events each.
    """
    deadline = time.monotonic() + seconds
    while await core.commands.xlen(core.keys.events) < 2 * count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{await core.commands.xlen(core.keys.events)} of {2 * count}")
        await asyncio.sleep(0.05)
    stream: Any = await core.commands.xinfo_stream(core.keys.events)
    begin, end = (
        int(stream[which][0].partition("-")[0]) for which in ("first-entry", "last-entry")
    )
    return float(stream["length"] / 2 * 1000 / max(1, end - begin))


async def calm(core: Core) -> None:
    """What earlier rounds left for later is done now, so that nobody's latency pays for it."""
    async with core.database.connect() as connection:
        await connection.execute(text("CHECKPOINT"))
    await settled(core)


def flushes(folder: Path, count: int = 1000) -> list[float]:
    """Milliseconds that the disk takes to flush 8 KiB; a durable job waits for three of these."""
    took = []
    path = folder / "flushed"
    with path.open("wb", buffering=0) as file:
        file.write(bytes(8192 * count))
        os.fsync(file.fileno())
        for number in range(count):
            begin = time.perf_counter()
            os.pwrite(file.fileno(), bytes(8192), 8192 * number)
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - begin) * 1000)
            time.sleep(random.uniform(0.001, 0.006))
    path.unlink()
    return took


async def tail(core: Core, after: str = START) -> str:
    """The id of the newest event."""
    newest: Any = await core.commands.xrevrange(core.keys.events, count=1)
    return newest[0][0] if newest else after


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a program to end, and see that it does."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
