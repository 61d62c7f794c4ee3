"""The API as its document describes it, and the client that people type."""

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from processing.paths import ROOT
from tests.programs import Programs

# They never end; their tests read them.
STREAMS = "events|listen-updates"
CSV = b"id,city\n1,Oslo\n2,Rome\n"


def test_schemathesis_finds_no_violation(programs: Programs, tmp_path: Path) -> None:
    programs.worker()
    programs.web()
    # Something to look at, or most answers would be 404.
    for number in range(3):
        url = f"{programs.address}/api/v1/files/{number}.csv"
        assert httpx.put(url, content=CSV * (number + 1)).status_code == 201
    command = [str(Path(sys.executable).with_name("schemathesis"))]
    command += ["--config-file", str(ROOT / "tests" / "acceptance" / "schemathesis.toml")]
    command += ["run", f"{programs.address}/openapi.json", "--exclude-path-regex", STREAMS]
    env = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.acceptance.schemathesis_hooks",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-40000:] + done.stderr[-2000:]


class Client:
    """The command line of a person, or of a script."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self.programs = programs
        self.folder = folder

    def start(self, *words: str, stdin: int | None = None) -> subprocess.Popen[str]:
        env = {
            **os.environ,
            "MILLRACE_URL": self.programs.address,
            "HOME": str(self.folder),
            "NO_COLOR": "1",
        }
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("millrace")), *words],
            cwd=self.folder,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, expect: int = 0) -> str:
        process = self.start(*words)
        said, complained = process.communicate(timeout=120)
        assert process.returncode == expect, said + complained
        print(complained)  # pytest shows it if what follows fails
        return said if expect == 0 else complained

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))


@pytest.fixture
def client(programs: Programs, tmp_path: Path) -> Client:
    folder = tmp_path / "home"
    folder.mkdir()
    return Client(programs, folder)


def test_the_client_sends_shows_fetches_and_removes(client: Client) -> None:
    client.programs.worker()
    client.programs.web()
    (client.folder / "cities.csv").write_bytes(CSV)
    (client.folder / "bad.csv").write_bytes(b"%PDF-1.7")
    sent = client.json("put", "cities.csv", "--wait")
    assert (sent["status"], sent["rows"], sent["columns"]) == ("Ok", 2, 2)
    assert "cities.csv" in client.run("ls")
    assert client.json("ls", "--status", "Error") == []
    shown = client.json("show", str(sent["id"]))
    assert shown["result"]["accounting"]["written"] == 2
    assert "SHA-256" in client.run("show", str(sent["id"]))
    client.run("get", str(sent["id"]))
    assert (client.folder / "cities.clean.parquet").read_bytes()[:4] == b"PAR1"
    client.run("get", str(sent["id"]), "original", "-O", "again.csv")
    assert (client.folder / "again.csv").read_bytes() == CSV
    assert "Available: clean.parquet" in client.run("get", str(sent["id"]), "nothing", expect=4)
    assert "PDF" in client.run("put", "bad.csv", expect=1)
    assert "No such file" in client.run("put", "nowhere.csv", expect=1)
    emulate = ("--handler", "emulate", "--option", "seconds=60")
    slow = client.json("put", "cities.csv", *emulate)
    assert slow["options"] == {"seconds": "60"}
    assert client.json("rm", str(slow["id"]))["status"] == "Canceled"
    assert client.json("retry", str(slow["id"]))["status"] == "Waiting"
    client.run("rm", str(slow["id"]), str(sent["id"]))
    assert client.json("show", str(sent["id"]))["status"] == "Removed"
    assert "no file 999" in client.run("show", "999", expect=4)
    client.run("retry", str(sent["id"]), expect=4)
    assert client.json("stats")["workers"][0]["slots"] == 2
    client.run("put", expect=2)
    piped = client.start("put", "-", "--name", "piped.csv", "--json", stdin=subprocess.PIPE)
    said, _ = piped.communicate("a,b\n1,2\n", timeout=60)
    assert json.loads(said)["name"] == "piped.csv"


def test_the_client_follows_what_happens(client: Client) -> None:
    client.programs.worker()
    client.programs.web()
    watching = client.start("watch", "--json")
    assert watching.stdout is not None
    (client.folder / "a.csv").write_bytes(CSV)
    seen: list[str] = []
    try:
        # It may begin to listen after the first upload, so that one is not enough to wait for.
        while not seen:
            client.run("put", "a.csv", "--wait")
            if select.select([watching.stdout], [], [], 0.1)[0]:
                while "Ok" not in seen:
                    seen.append(json.loads(watching.stdout.readline()).get("status", ""))
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=20)
    assert watching.returncode == -signal.SIGINT


def test_the_client_names_a_server_it_cannot_reach(client: Client) -> None:
    process = client.start("--server", "http://127.0.0.1:9", "rm", "1")
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Cannot reach http://127.0.0.1:9" in complained


def test_a_killed_client_and_a_restarted_server_lose_nothing(client: Client) -> None:
    web = client.programs.web()
    rows = b"".join(b"%d,some words to make it long\n" % n for n in range(3_000_000))
    path = client.folder / "big.csv"
    path.write_bytes(b"id,words\n" + rows)
    resumable = client.programs.settings.media_root / "resumable"

    def arrived() -> int:
        return max((part.stat().st_size for part in resumable.glob("?" * 32)), default=0)

    def until(least: int) -> None:
        deadline = time.monotonic() + 60
        while arrived() < least:
            assert time.monotonic() < deadline
            time.sleep(0.002)

    first = client.start("put", "big.csv")
    until(1)
    first.kill()
    first.communicate()
    kept = arrived()
    assert 0 < kept < path.stat().st_size
    second = client.start("put", "big.csv", "--json")
    until(kept + 1)
    web.kill()
    client.programs.web()
    said, complained = second.communicate(timeout=120)
    assert second.returncode == 0, complained
    assert json.loads(said)["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not list(resumable.iterdir())
