"""`python -m standalone`, which `make run` and `millrace serve` run."""

import json
import os
import signal
import socket
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest

from processing.settings import Settings
from standalone.services import free_port
from tests.conftest import Servers, eventually
from tests.programs import Program, alive, descendants


class Standalone:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.runs = 0

    def start(self, **env: str) -> Program:
        self.runs += 1
        settings = {
            "VAR_ROOT": str(self.folder / "var"),
            "MEDIA_ROOT": str(self.folder / "media"),
            "PORT": str(self.port),
        }
        log = self.folder / f"standalone-{self.runs}.log"
        argv = [sys.executable, "-m", "standalone"]
        return Program(argv, {**os.environ, **settings, **env}, log)


@pytest.fixture
def standalone(tmp_path: Path) -> Standalone:
    return Standalone(tmp_path)


def ready(program: Program) -> bool:
    assert program.process.poll() is None, program.log
    return "Millrace is ready" in program.log


async def test_up_down_and_up_again_with_the_data_kept(standalone: Standalone) -> None:
    program = standalone.start()
    await eventually(lambda: ready(program))
    async with httpx.AsyncClient(base_url=standalone.address) as http:
        files = {"file": ("kept.csv", b"a,b\n1,2\n", "text/csv")}
        assert (await http.post("/processing_file/", files=files)).status_code == 201

        async def done() -> bool:
            return "status-ok" in (await http.get("/")).text

        await eventually(done)
    family = descendants(program.pid)
    assert len(family) > 5
    program.signal(signal.SIGINT)
    assert program.process.wait(30) == 0, program.log
    assert not [pid for pid in family if alive(pid)]
    assert "The data is kept" in program.log
    assert "Traceback" not in program.log

    program = standalone.start()
    await eventually(lambda: ready(program))
    async with httpx.AsyncClient(base_url=standalone.address) as http:
        assert "kept.csv" in (await http.get("/")).text
        assert (await http.get("/processing_file/1/original/")).content == b"a,b\n1,2\n"
    assert program.stop(30) == 0


async def test_no_process_survives_the_supervisor(standalone: Standalone) -> None:
    program = standalone.start()
    await eventually(lambda: ready(program))
    family = descendants(program.pid)
    program.kill()
    await eventually(lambda: not [pid for pid in family if alive(pid)])


async def test_what_crashes_is_restarted(standalone: Standalone) -> None:
    program = standalone.start()
    await eventually(lambda: ready(program))
    for marker, said in (
        ("-m quart_app", "quart_app ended (SIGKILL)"),
        ("-m worker", "worker ended (SIGKILL)"),
        ("valkey-server", "Valkey ended, restarting"),
        ("/postgres -D", "Postgres ended, restarting"),
    ):
        (pid,) = [pid for pid, line in descendants(program.pid).items() if marker in line]
        os.kill(pid, signal.SIGKILL)
        await eventually(partial(says, program, said))

    async def answers() -> bool:
        async with httpx.AsyncClient(base_url=standalone.address) as http:
            try:
                return (await http.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

    await eventually(answers)
    assert program.stop(30) == 0


def says(program: Program, words: str) -> bool:
    return words in program.log


async def test_a_busy_port_is_one_clear_line(standalone: Standalone) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", standalone.port))
        taken.listen()
        program = standalone.start()
        assert program.process.wait(20) == 1
    (line,) = program.log.splitlines()
    assert f"cannot listen on 127.0.0.1:{standalone.port}" in line
    assert "PORT=" in line


async def test_two_on_the_same_data_is_one_clear_line(standalone: Standalone) -> None:
    program = standalone.start()
    await eventually(lambda: ready(program))
    second = standalone.start(PORT=str(free_port()))
    assert second.process.wait(20) == 1
    (line,) = second.log.splitlines()
    assert "already running" in line
    assert program.stop(30) == 0


async def test_servers_of_your_own_replace_the_embedded_ones(
    standalone: Standalone, servers: Servers, settings: Settings
) -> None:
    program = standalone.start(
        DATABASE_URL=settings.database_url,
        REDIS_URL=settings.redis_url,
        STREAM_PREFIX=settings.stream_prefix,
    )
    await eventually(lambda: ready(program))
    assert not [line for line in descendants(program.pid).values() if "postgres" in line]
    assert not (standalone.folder / "var" / "postgres").exists()
    assert program.stop(30) == 0


async def test_where_user_namespaces_are_blocked(standalone: Standalone) -> None:
    """As in a container: root gives PostgreSQL to nobody by other means; users need neither."""
    blocked = standalone.folder / "bin" / "unshare"
    blocked.parent.mkdir()
    blocked.write_text("#!/bin/sh\nexit 1\n")
    blocked.chmod(0o755)
    program = standalone.start(PATH=f"{blocked.parent}:{os.environ['PATH']}")
    await eventually(lambda: ready(program))
    (postgres,) = [pid for pid, line in descendants(program.pid).items() if "/postgres -D" in line]
    expected = 65534 if os.geteuid() == 0 else os.geteuid()
    assert os.stat(f"/proc/{postgres}").st_uid == expected
    assert program.stop(30) == 0, program.log


async def test_passwords_are_for_their_owner_alone(standalone: Standalone) -> None:
    program = standalone.start()
    await eventually(lambda: ready(program))
    state_path = standalone.folder / "var" / "standalone.json"
    state = json.loads(state_path.read_text())
    for path in (state_path, standalone.folder / "var" / "valkey" / "valkey.conf"):
        assert path.stat().st_mode & 0o077 == 0
    for secret in (state["valkey_password"], state["postgres_password"]):
        assert secret not in program.log
        assert not [line for line in descendants(program.pid).values() if secret in line]
    assert program.stop(30) == 0
