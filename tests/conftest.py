"""Real servers for all tests: one Valkey (or Redis), one PostgreSQL, a database for each test."""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from processing.core import Core
from processing.paths import ROOT
from processing.settings import Settings
from standalone.services import USER, Postgres, Valkey, free_port
from tests.programs import Programs

PASSWORD = "test-password"
# By default an example fails that takes 200 ms, as any does on a busy machine.
hypothesis.settings.register_profile("millrace", deadline=None)
hypothesis.settings.load_profile("millrace")
_numbers = itertools.count(1)


class Servers:
    """Both servers, and databases made from a migrated template."""

    def __init__(self, folder: Path) -> None:
        # REDIS_SERVER repeats the tests against another implementation, such as Debian's Redis.
        binary = os.environ.get("REDIS_SERVER", "")
        self.valkey = Valkey(folder / "valkey", free_port(), PASSWORD, binary)
        self.postgres = Postgres(folder / "postgres", free_port(), PASSWORD)
        self.template = self.postgres.url.rpartition("/")[2]

    def start(self) -> None:
        self.valkey.start()
        self.postgres.start()
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=ROOT,
            env={**os.environ, **self.urls(self.template)},
            check=True,
            capture_output=True,
        )

    def stop(self) -> None:
        self.postgres.stop()
        self.valkey.stop()

    def urls(self, database: str) -> dict[str, str]:
        place = self.postgres.url.rpartition("/")[0]
        return {"DATABASE_URL": f"{place}/{database}", "REDIS_URL": self.valkey.url}

    def new_database(self) -> str:
        name = f"test_{next(_numbers)}"
        result = self.postgres.tool("createdb", "-U", USER, "-T", self.template, name)
        assert result.returncode == 0, result.stderr
        return name


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    started = Servers(tmp_path_factory.mktemp("servers"))
    started.start()
    yield started
    started.stop()


@pytest.fixture
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers of this test alone, to be stopped and wiped."""
    started = Servers(tmp_path_factory.mktemp("own"))
    started.start()
    yield started
    started.stop()


def settings_on(servers: Servers, folder: Path, **more: Any) -> Settings:
    """Settings of a new database on ``servers``, a free port and data under ``folder``."""
    urls = servers.urls(servers.new_database())
    return Settings(
        database_url=urls["DATABASE_URL"],
        redis_url=urls["REDIS_URL"],
        media_root=folder / "media",
        port=free_port(),
        **more,
    )


@pytest.fixture
def settings(servers: Servers, tmp_path: Path) -> Settings:
    return settings_on(
        servers,
        tmp_path,
        stream_prefix=f"test{next(_numbers)}",
        worker_slots=2,
        lease_seconds=2,
        grace_seconds=2,
    )


@pytest.fixture
async def core(settings: Settings) -> AsyncIterator[Core]:
    opened = Core(settings)
    opened.storage.prepare()
    yield opened
    await opened.close()


@pytest.fixture
def programs(settings: Settings, tmp_path: Path) -> Iterator[Programs]:
    started = Programs(settings, tmp_path)
    yield started
    started.stop()


Eventually = Callable[..., object]


async def eventually(condition: Callable[[], object], seconds: float = 30.0) -> object:
    """Wait until ``condition`` (plain or async) returns something true, and return it."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)
