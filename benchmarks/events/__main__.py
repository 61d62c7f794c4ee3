"""`make bench-events`: live updates for thousands of clients, and the page, beside peers.

One web process of each. An event is put on the stream; the time is that from its entry, which its
id tells, until each client has read the table that shows it. Memory is the growth of the server's
resident set for each client it holds.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis

from benchmarks import environment, report
from benchmarks.uploads.__main__ import cpu_seconds, memory, wait_for
from benchmarks.web import serving
from processing.paths import ROOT
from processing.settings import Settings
from processing.stream_keys import StreamKeys
from standalone.services import free_port

ENVIRONMENT = ROOT / ".venv-bench-events"
CROWDS = (1000, 5000)
MOST = 10_000
EVENTS = 20
EVENT_PAUSE_SECONDS = 0.5
READ_SECONDS = 5


class Candidate(NamedTuple):
    """A running server: where its streams and its page are."""

    name: str
    port: int
    pid: int
    events: str
    page: str


def fan_out(candidate: Candidate, count: int, redis: Redis, stream: str) -> dict[str, Any]:
    """Let so many clients watch, and tell them something now and then."""
    idle = memory(candidate.pid, "VmRSS")
    argv = [sys.executable, "-m", "benchmarks.events.watchers", "hold"]
    argv += [str(candidate.port), candidate.events, str(count)]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watchers:
        assert watchers.stdin is not None
        assert watchers.stdout is not None
        assert watchers.stdout.readline() == "ready\n"
        time.sleep(1)
        held = memory(candidate.pid, "VmRSS")
        before = cpu_seconds(candidate.pid)
        took: list[float] = []
        reached = 0
        for number in range(EVENTS):
            fields: dict[Any, Any] = {"type": "status", "file_id": "1", "attempt": "1"}
            entry = str(redis.xadd(stream, fields | {"status": "Ok", "outcome": f"x{number}"}))
            watchers.stdin.write(entry + "\n")
            watchers.stdin.flush()
            seen = json.loads(watchers.stdout.readline())
            reached += len(seen)
            took += seen
            time.sleep(EVENT_PAUSE_SECONDS)
        watchers.stdin.close()
        watchers.kill()
    took.sort()
    found = {
        "server": candidate.name,
        "clients": count,
        "p50_ms": round(took[len(took) // 2], 1),
        "p99_ms": round(took[int(0.99 * (len(took) - 1))], 1),
        "kib_per_client": round((held - idle) / count / 1024, 1),
        "cpu_us_per_delivery": round(
            1e6 * (cpu_seconds(candidate.pid) - before) / (EVENTS * count), 1
        ),
        "delivered": reached / (EVENTS * count),
    }
    print(json.dumps(found), flush=True)
    return found


def requests_per_second(candidate: Candidate) -> float:
    """How often the page with its fifty rows is served."""
    argv = [sys.executable, "-m", "benchmarks.events.watchers", "read"]
    argv += [str(candidate.port), candidate.page, str(READ_SECONDS)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    return round(float(json.loads(done.stdout)), 1)


@contextmanager
def started(folder: Path) -> Iterator[tuple[list[Candidate], Redis, Settings]]:
    """Start both on the same servers, with fifty rows to show."""
    python = environment.prepare(ENVIRONMENT, Path(__file__).with_name("peers.txt"))
    with serving(folder) as (settings, pid):
        fill(settings)
        port = free_port()
        script = Path(__file__).parent / "peers" / "server.py"
        dsn = settings.database_dsn.replace("+asyncpg", "")
        stream = StreamKeys(settings.stream_prefix).events
        peer = subprocess.Popen([python, script, str(port), settings.redis_dsn, stream, dsn])
        try:
            wait_for(port)
            listen = "/processing_file/listen-updates/"
            yield (
                [
                    Candidate("millrace", settings.port, pid, listen, "/"),
                    Candidate("sse-starlette", port, peer.pid, "/events", "/"),
                ],
                Redis.from_url(settings.redis_dsn, decode_responses=True),
                settings,
            )
        finally:
            peer.kill()
            peer.wait()


def fill(settings: Settings) -> None:
    """Fifty files that nobody grinds."""
    for number in range(50):
        address = f"http://127.0.0.1:{settings.port}/api/v1/files/shipment-{number}.csv"
        request = urllib.request.Request(address, data=b"a,b\n1,2\n", method="PUT")
        urllib.request.urlopen(request).close()


def run(folder: Path) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Measure everything; return the rows and the ratios."""
    rows: list[dict[str, Any]] = []
    ratios: dict[str, float] = {}
    with started(folder) as (candidates, redis, settings):
        stream = StreamKeys(settings.stream_prefix).events
        mine, peer = candidates
        pages = [{each.name: requests_per_second(each) for each in candidates} for _ in range(3)]
        best = {each.name: max(page[each.name] for page in pages) for each in candidates}
        rows.append({"page_requests_per_second": best})
        ratios["page requests/s: millrace / starlette"] = round(
            best["millrace"] / best["sse-starlette"], 2
        )
        for count in CROWDS:
            found = {each.name: fan_out(each, count, redis, stream) for each in (mine, peer)}
            rows += found.values()
            ratios[f"p99 of {count:,} clients: millrace / sse-starlette"] = round(
                found["millrace"]["p99_ms"] / found["sse-starlette"]["p99_ms"], 2
            )
        rows.append(fan_out(mine, MOST, redis, stream))
        ratios[f"share of {MOST:,} clients reached"] = rows[-1]["delivered"]
    return rows, ratios


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = [
        "| clients | server | p50, ms | p99, ms | KiB a client | CPU µs a delivery |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['clients']:,} | {row['server']} | {row['p50_ms']} | {row['p99_ms']} | "
        f"{row['kib_per_client']} | {row['cpu_us_per_delivery']} |"
        for row in rows[1:]
    ]
    pages = rows[0]["page_requests_per_second"]
    said = ", ".join(f"{name} {rate:,}" for name, rate in pages.items())
    return "\n".join(lines) + f"\n\nThe page with fifty rows, requests/s: {said}."


def main() -> None:
    """Measure and write."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        rows, ratios = run(Path(folder))
    said = "\n".join(f"- {name}: {value}" for name, value in ratios.items())
    report.write("events", rows, ratios, f"{table(rows)}\n\n{said}")
    print(said)


if __name__ == "__main__":
    main()
