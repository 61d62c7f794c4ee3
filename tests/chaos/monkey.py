"""Injects faults at random: kills, freezes and restarts programs and servers, deletes keys."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
from collections.abc import Awaitable, Callable

from redis.exceptions import ResponseError

from processing.broker import command_client
from processing.jobs import GROUP
from processing.stream_keys import StreamKeys
from tests.conftest import Servers
from tests.programs import Program, Programs, descendants


class Monkey:
    """Injects one fault after another, chosen from ``seed``; ``done`` lists each with its time."""

    def __init__(self, programs: Programs, servers: Servers, seed: int) -> None:
        self._programs = programs
        self._servers = servers
        self._random = random.Random(seed)
        self.done: list[str] = []

    async def run(self, seconds: float) -> None:
        faults: list[Callable[[], Awaitable[None]]] = [
            self.kill_worker,
            self.kill_worker_and_children,
            self.kill_child,
            self.freeze_worker,
            self.stop_worker,
            self.kill_web,
            self.flush_redis,
            self.wipe_stream,
            self.destroy_group,
            self.kill_redis,
            self.forget_redis,
            self.kill_postgres,
        ]
        end = asyncio.get_running_loop().time() + seconds
        while (now := asyncio.get_running_loop().time()) < end:
            await asyncio.sleep(self._random.uniform(0.5, 3.0))
            fault = self._random.choice(faults)
            self.done.append(f"{end - now:5.1f} s left: {fault.__name__}")
            await fault()

    def _worker(self) -> Program:
        return self._random.choice(self._programs.running("worker"))

    async def _restart(self, module: str) -> None:
        start = self._programs.worker if module == "worker" else self._programs.web
        await asyncio.to_thread(start)

    async def kill_worker(self) -> None:
        self._worker().kill()
        await self._restart("worker")

    async def kill_worker_and_children(self) -> None:
        worker = self._worker()
        for pid in (*descendants(worker.pid), worker.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(worker.process.wait)
        await self._restart("worker")

    async def kill_child(self) -> None:
        children = descendants(self._worker().pid)
        if children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._random.choice(sorted(children)), signal.SIGKILL)

    async def stop_worker(self) -> None:
        await asyncio.to_thread(self._worker().stop)
        await self._restart("worker")

    async def freeze_worker(self) -> None:
        worker = self._worker()
        worker.signal(signal.SIGSTOP)
        await asyncio.sleep(self._random.uniform(1, 5))
        worker.signal(signal.SIGCONT)

    async def kill_web(self) -> None:
        for program in self._programs.running("quart_app"):
            program.kill()
        await asyncio.sleep(self._random.uniform(0, 1))
        await self._restart("quart_app")

    async def flush_redis(self) -> None:
        redis = command_client(self._servers.valkey.url)
        await redis.flushall()
        await redis.aclose()

    async def wipe_stream(self) -> None:
        redis = command_client(self._servers.valkey.url)
        keys = StreamKeys(self._programs.settings.stream_prefix)
        await redis.delete(self._random.choice([keys.jobs, keys.events, keys.job_entries]))
        await redis.aclose()

    async def destroy_group(self) -> None:
        redis = command_client(self._servers.valkey.url)
        with contextlib.suppress(ResponseError):  # no such stream yet
            keys = StreamKeys(self._programs.settings.stream_prefix)
            await redis.xgroup_destroy(keys.jobs, GROUP)
        await redis.aclose()

    async def forget_redis(self) -> None:
        self._servers.valkey.kill()
        for path in self._servers.valkey.folder.glob("appendonly*"):
            shutil.rmtree(path)
        await asyncio.to_thread(self._servers.valkey.start)

    async def kill_redis(self) -> None:
        self._servers.valkey.kill()
        await asyncio.sleep(self._random.uniform(0, 3))
        await asyncio.to_thread(self._servers.valkey.start)

    async def kill_postgres(self) -> None:
        await asyncio.to_thread(self._servers.postgres.kill)
        await asyncio.sleep(self._random.uniform(0, 3))
        await asyncio.to_thread(self._servers.postgres.start)
