"""`make bench-queue`: the same durable job through Millrace and through its peers, in turn.

The job: a row that waits becomes Processing, a handler does nothing, the row becomes Ok; both
changes are committed in PostgreSQL and announced on a stream. Rates are those of a backlog that
is there when two worker processes start, from the first event to the last; latencies are those of
jobs that come alone to workers that wait.
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import report
from benchmarks.queue import peer as peers
from benchmarks.queue import testbed
from benchmarks.queue.ours import COUNT, Ours
from benchmarks.queue.peer import COUNTS, Peer
from benchmarks.queue.testbed import Testbed, running_testbed
from processing.core import Core

MILLION = 1_000_000


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


async def measure(
    made: Testbed, names: list[str], rounds: int, singles: int
) -> list[dict[str, Any]]:
    """One row for each candidate."""
    core = Core(made.settings)
    candidates: list[Ours | Peer] = [Ours(made), *(Peer(name, made) for name in names)]
    rates: dict[str, list[float]] = {each.name: [] for each in candidates}
    rows = []
    try:
        for _ in range(rounds):
            for each in candidates:
                try:
                    rates[each.name].append(await each.throughput(core))
                except (TimeoutError, RuntimeError) as error:
                    print(f"{each.name}: {error}")
                    rates[each.name].append(0.0)
                print(f"{each.name:10} {rates[each.name][-1]:10,.0f} jobs/s", flush=True)
        for each in candidates:
            row: dict[str, Any] = {
                "queue": each.name,
                "jobs_per_second": round(statistics.median(rates[each.name])),
                "rounds": [round(rate) for rate in rates[each.name]],
            }
            if row["jobs_per_second"]:
                took = await each.latency(core, singles)
                row["latency_ms_p50"] = round(percentile(took, 0.5), 2)
                row["latency_ms_p99"] = round(percentile(took, 0.99), 2)
                print(
                    f"{each.name:10} {row['latency_ms_p50']:8} ms p50 {row['latency_ms_p99']:8} p99"
                )
            rows.append(row)
    finally:
        await core.close()
    return rows


async def flatness(made: Testbed, rounds: int) -> dict[str, float]:
    """Cost of a job with a million waiting behind it, and a million before it, to that without."""
    core = Core(made.settings)
    ours = Ours(made)
    rates: dict[str, list[float]] = {"plain": [], "backlog": [], "history": []}
    try:
        for _ in range(rounds):
            rates["plain"].append(await ours.throughput(core))
            rates["backlog"].append(await ours.throughput(core, backlog=MILLION))
            rates["history"].append(await ours.throughput(core, history=MILLION))
    finally:
        await core.close()
    middle = {name: statistics.median(values) for name, values in rates.items()}
    print({name: [round(value) for value in values] for name, values in rates.items()})
    return {
        "cost_with_a_million_waiting": round(middle["plain"] / middle["backlog"], 2),
        "cost_with_a_million_ended": round(middle["plain"] / middle["history"], 2),
    }


async def cancels(made: Testbed, count: int) -> dict[str, float]:
    """Milliseconds from asking for a cancel to the dead process and to the event."""
    core = Core(made.settings)
    try:
        dead, known = await Ours(made).cancels(core, count)
    finally:
        await core.close()
    return {
        "cancel_to_dead_ms_p50": round(percentile(dead, 0.5), 1),
        "cancel_to_dead_ms_p99": round(percentile(dead, 0.99), 1),
        "cancel_to_known_ms_p50": round(percentile(known, 0.5), 1),
        "cancel_to_known_ms_p99": round(percentile(known, 0.99), 1),
    }


def ratios(rows: list[dict[str, Any]]) -> dict[str, float]:
    """How many times as many jobs a second as each peer, and as the best of them."""
    ours, *others = rows
    rates = {row["queue"]: row["jobs_per_second"] for row in others if row["jobs_per_second"]}
    found = {f"vs_{name}": round(ours["jobs_per_second"] / rate, 1) for name, rate in rates.items()}
    if rates:
        found["vs_best_peer"] = round(ours["jobs_per_second"] / max(rates.values()), 1)
    return found


def table(rows: list[dict[str, Any]], found: dict[str, float]) -> str:
    """Both as Markdown."""
    lines = [
        "| queue | jobs/s | Millrace is | idle p50 | idle p99 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in sorted(rows, key=lambda row: -row["jobs_per_second"]):
        times = found.get(f"vs_{row['queue']}")
        lines.append(
            f"| {row['queue']} | {row['jobs_per_second']:,} | {f'{times} ×' if times else ''} | "
            f"{row.get('latency_ms_p50', '–')} ms | {row.get('latency_ms_p99', '–')} ms |"
        )
    lines.append("")
    lines += ["| also measured | |", "| --- | ---: |"]
    names = {
        "flush_ms_p50": "the disk's flush of 8 KiB, p50 (a job waits for three)",
        "flush_ms_p99": "the disk's flush of 8 KiB, p99",
        "cost_with_a_million_waiting": "cost of a job with a million waiting behind it",
        "cost_with_a_million_ended": "cost of a job with a million that ended before it",
        "cancel_to_dead_ms_p50": "cancel to dead process, p50",
        "cancel_to_dead_ms_p99": "cancel to dead process, p99",
        "cancel_to_known_ms_p50": "cancel to its event read, p50",
        "cancel_to_known_ms_p99": "cancel to its event read, p99",
    }
    for key, words in names.items():
        if key in found:
            unit = "ms" if "_ms_" in key else "×"
            lines.append(f"| {words} | {found[key]} {unit} |")
    return "\n".join(lines)


async def run(chosen: argparse.Namespace) -> None:
    """Measure everything and write it down."""
    if chosen.peers:
        peers.prepare()
    with (
        tempfile.TemporaryDirectory(prefix="bench-queue-") as folder,
        running_testbed(Path(folder)) as made,
    ):
        rows = await measure(made, chosen.peers, chosen.rounds, chosen.singles)
        found = ratios(rows)
        found |= await cancels(made, chosen.cancels)
        flushes = await asyncio.to_thread(testbed.flushes, made.folder)
        found["flush_ms_p50"] = round(percentile(flushes, 0.5), 2)
        found["flush_ms_p99"] = round(percentile(flushes, 0.99), 2)
        if chosen.flat:
            found |= await flatness(made, chosen.flat)
    for name, value in found.items():
        print(f"{name:32} {value}")
    if chosen.write:
        report.write("queue", rows, found, table(rows, found))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=__doc__)
    parser.add_argument("--peers", nargs="*", default=list(COUNTS), choices=list(COUNTS))
    parser.add_argument("--rounds", type=int, default=3, help="of the rates")
    parser.add_argument("--singles", type=int, default=300, help="jobs for each latency")
    parser.add_argument("--cancels", type=int, default=100)
    parser.add_argument("--flat", type=int, default=3, help="rounds with a million rows; 0: none")
    parser.add_argument("--write", action="store_true", help="store the results")
    print(f"{COUNT:,} jobs for Millrace, {COUNTS} for its peers")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
