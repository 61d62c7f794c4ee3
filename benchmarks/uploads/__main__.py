"""`make bench-uploads`: uploads beside FastAPI, Starlette and a bare body on the same server.

Each server is a process of its own; uploads come over plain sockets from this one. Memory is the
growth of its resident set over what it had when it was idle, CPU its user and system time.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import environment, report
from benchmarks.uploads.sender import Server, send
from benchmarks.web import serving
from processing.paths import ROOT
from standalone.services import free_port

ENVIRONMENT = ROOT / ".venv-bench-uploads"
MEGABYTE = 1_000_000


class Load(NamedTuple):
    """So many uploads of such a size, so many at once."""

    name: str
    size: int
    number: int
    at_once: int


LOADS = (
    Load("1 KB × 2,000", 1000, 2000, 4),
    Load("10 MB × 50", 10 * MEGABYTE, 50, 4),
    Load("1 GB × 1", 1000 * MEGABYTE, 1, 1),
)
HUGE = Load("10 GB × 1", 10_000 * MEGABYTE, 1, 1)
FAIR = Load("100 MB × 16, all at once", 100 * MEGABYTE, 16, 16)


class Candidate(NamedTuple):
    """A running server."""

    name: str
    server: Server
    pid: int
    empty: Callable[[], None]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int, field: str) -> int:
    """VmRSS or VmHWM of a process in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024


def measure(candidate: Candidate, load: Load) -> dict[str, Any]:
    """Put one load on one server."""
    Path(f"/proc/{candidate.pid}/clear_refs").write_text("5")  # forget the peak
    idle = memory(candidate.pid, "VmRSS")
    before = cpu_seconds(candidate.pid)
    seconds, took = send(candidate.server, load.size, load.number, load.at_once)
    gigabytes = load.size * load.number / 1e9
    found = {
        "load": load.name,
        "server": candidate.name,
        "seconds": round(seconds, 3),
        "mb_per_second": round(gigabytes * 1000 / seconds, 1),
        "requests_per_second": round(load.number / seconds, 1),
        "cpu_seconds_per_gb": round((cpu_seconds(candidate.pid) - before) / gigabytes, 2),
        "growth_mib": round((memory(candidate.pid, "VmHWM") - idle) / 2**20, 1),
        "slowest_over_quickest": round(max(took) / min(took), 2),
    }
    candidate.empty()
    print(json.dumps(found), flush=True)
    return found


def page_latency(address: str, busy: Callable[[], bool]) -> list[float]:
    """Milliseconds of each request for the page, one after another, while ``busy``."""
    took = []
    while busy():
        began = time.perf_counter()
        with urllib.request.urlopen(address, timeout=60) as answer:
            answer.read()
        took.append(1000 * (time.perf_counter() - began))
        time.sleep(0.01)
    return sorted(took)


@contextmanager
def peers(folder: Path) -> Iterator[list[Candidate]]:
    """Start the servers that are not ours."""
    python = environment.prepare(ENVIRONMENT, Path(__file__).with_name("peers.txt"))
    script = Path(__file__).parent / "peers" / "servers.py"
    started: list[Candidate] = []
    processes = []
    for name in ("fastapi", "starlette", "raw"):
        port, target = free_port(), folder / name
        target.mkdir()
        argv = [str(python), str(script), name, str(port), str(target)]
        if name == "raw":
            argv = [sys.executable, "-m", "benchmarks.uploads.raw", str(port), str(target)]
        process = subprocess.Popen(argv, cwd=ROOT)
        processes.append(process)
        server = Server(port, "/upload", form=name != "raw")
        started.append(Candidate(name, server, process.pid, partial(clear, target)))
    try:
        for candidate in started:
            wait_for(candidate.server.port)
        yield started
    finally:
        for process in processes:
            process.kill()
            process.wait()


def clear(folder: Path) -> None:
    """Delete what came, so that the disk never fills."""
    shutil.rmtree(folder)
    folder.mkdir()


def wait_for(port: int) -> None:
    """Wait until a server answers anything at all."""
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def ours(folder: Path) -> Iterator[tuple[Candidate, str]]:
    """Start Millrace; yield it and its address."""
    with serving(folder) as (settings, pid):
        server = Server(settings.port, "/processing_file/", form=True)
        media = settings.media_root / "processing_files"
        address = f"http://{settings.host}:{settings.port}"
        yield Candidate("millrace", server, pid, lambda: clear(media)), address


def run(folder: Path) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Measure everything; return the rows and the ratios."""
    rows: list[dict[str, Any]] = []
    ratios: dict[str, float] = {}
    with peers(folder) as others, ours(folder) as (mine, address):
        for load in LOADS:
            warm_up = Load("", load.size // 10 + 1, 2, 1)
            for candidate in (mine, *others):
                send(candidate.server, warm_up.size, warm_up.number, 1)
                candidate.empty()
            found = {each.name: measure(each, load) for each in (mine, *others)}
            rows += found.values()
            speed = {name: row["mb_per_second"] for name, row in found.items()}
            for name in ("fastapi", "starlette", "raw"):
                ratios[f"{load.name}: millrace / {name}"] = round(
                    speed["millrace"] / speed[name], 2
                )
        rows.append(measure(mine, HUGE))
        ratios["MiB over idle for 10 GB"] = rows[-1]["growth_mib"]
        row, latencies = fair(mine, address)
        rows.append(row)
        ratios["page p99, ms, beside 16 uploads"] = round(
            latencies[int(0.99 * (len(latencies) - 1))], 1
        )
        ratios["slowest / quickest of 16 uploads at once"] = row["slowest_over_quickest"]
    return rows, ratios


def fair(mine: Candidate, address: str) -> tuple[dict[str, Any], list[float]]:
    """Sixteen uploads at once, and someone who looks at the page."""
    command = [sys.executable, "-m", "benchmarks.uploads.page_poller", address]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as look:
        row = measure(mine, FAIR)
        said, _ = look.communicate()
    return row, json.loads(said)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = [
        "| uploads | server | MB/s | requests/s | CPU s per GB | memory over idle, MiB |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['load']} | {row['server']} | {row['mb_per_second']:,} | "
        f"{row['requests_per_second']:,} | {row['cpu_seconds_per_gb']} | {row['growth_mib']} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    # Beside the checkout: /tmp may be memory.
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        rows, ratios = run(Path(folder))
    said = "\n".join(f"- {name}: {value}" for name, value in ratios.items())
    report.write("uploads", rows, ratios, f"{table(rows)}\n\n{said}")
    print(said)


if __name__ == "__main__":
    (ROOT / "var").mkdir(exist_ok=True)
    main()
