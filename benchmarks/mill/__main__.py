"""`make bench-mill`: the profile handler beside bare queries of its engine and other readers.

Every candidate runs in a process of its own on one thread, which is what a slot of a worker has;
time is that of the wall, memory the peak of the process. Readers that take minutes get a smaller
file. `make bench-pollution` measures how much of polluted files is recovered.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import environment, report
from benchmarks.mill import candidates, files
from processing.paths import ROOT
from tests import pollution

OURS = ("millrace", "millrace, every file", "bare queries", "COPY alone", "SUMMARIZE + COPY")
ON_TWO = tuple(f"{name}, 2 threads" for name in OURS)
SLOW_PEERS = ("frictionless", "ydata-profiling", "csv-detective")
SMALL_MEGABYTES = 10
ENVIRONMENT = ROOT / ".venv-bench-mill"


def run(name: str, path: Path, folder: Path) -> dict[str, Any]:
    """Run one candidate on one file; return its seconds and peak bytes."""
    argv = [sys.executable, "-m", "benchmarks.mill.candidates"]
    if name == "polars" or name in SLOW_PEERS:
        argv = [str(ENVIRONMENT / "bin" / "python"), "-m", "benchmarks.mill.peers.read"]
    folder.mkdir()
    done = subprocess.run(
        [*argv, name, str(path), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )
    shutil.rmtree(folder)
    if done.returncode:
        raise RuntimeError(f"{name} on {path.name}: {done.stderr[-1000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed(folder: Path, megabytes: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """A row for each file and candidate, and the ratios."""
    environment.prepare(ENVIRONMENT, Path(__file__).with_name("peers.txt"))
    rows: list[dict[str, Any]] = []
    ratios: dict[str, float] = {}
    fast = (*OURS, "polars")
    races: list[tuple[str, int, tuple[str, ...]]] = [
        (shape, megabytes, fast) for shape in files.SHAPES
    ]
    races.append(("narrow", megabytes, ON_TWO))
    races.append(("narrow", 5 * megabytes, fast))
    races.append(("narrow", SMALL_MEGABYTES, ("millrace, every file", *SLOW_PEERS)))
    for shape, size, names in races:
        found, compared = race(folder, shape, size, names)
        rows += found
        ratios |= compared
    tiny = folder / "tiny.csv"
    tiny.write_text("id,name,when\n" + "".join(f"{n},row {n},2024-01-02\n" for n in range(50)))
    # The first of its runs is a cold one.
    warm = run("warm", tiny, folder / "work")["seconds"] / candidates.WARM_RUNS
    ratios["milliseconds for 1 KB in a warm process"] = round(warm * 1000, 1)
    return rows, ratios


def race(
    folder: Path, shape: str, megabytes: int, names: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Run candidates on one file: the best of two runs, one of readers that are not the engine's.

    Returns a row for each, and how much faster the first is than each other.
    """
    path = folder / f"{shape}.csv"
    files.SHAPES[shape](path, megabytes)
    size = path.stat().st_size / 1e6
    rows = []
    took = {}
    for name in names:
        rounds = 2 if name in (*OURS, *ON_TWO) else 1
        runs = [run(name, path, folder / "work") for _ in range(rounds)]
        took[name] = min(each["seconds"] for each in runs)
        rows.append(
            {
                "file": shape,
                "megabytes": round(size),
                "contestant": name,
                "mb_per_second": round(size / took[name], 1),
                "peak_mib": round(max(each["peak_bytes"] for each in runs) / 2**20),
            }
        )
        print(rows[-1], flush=True)
    path.unlink()
    ours, *others = names
    return rows, {
        f"{shape}, {size:,.0f} MB: {ours} to {name}": round(took[name] / took[ours], 2)
        for name in others
    }


def speed_table(rows: Sequence[dict[str, Any]], ratios: dict[str, float]) -> str:
    """As Markdown."""
    lines = ["| file | reader | MB/s | peak MiB |", "| --- | --- | ---: | ---: |"]
    lines += [
        f"| {row['file']}, {row['megabytes']} MB | {row['contestant']} | {row['mb_per_second']} | "
        f"{row['peak_mib']} |"
        for row in rows
    ]
    lines += ["", "| speed of | |", "| --- | ---: |"]
    lines += [
        f"| {name} | {ratio}{' ×' if ' to ' in name else ''} |" for name, ratio in ratios.items()
    ]
    return "\n".join(lines)


def pollute(folder: Path, every: int) -> None:
    """Measure how much of polluted files is recovered, and write the results."""
    scores = pollution.evaluate(pollution.reader(folder), every)
    rows = [
        {
            "pollution": kind,
            "files": count,
            "header_f1": round(score.header, 3),
            "record_f1": round(score.records, 3),
            "cell_f1": round(score.cells, 3),
        }
        for kind, (count, score) in scores.items()
    ]
    files_read = sum(count for count, _ in scores.values())
    by_file = sum(count * score.mean for count, score in scores.values()) / files_read
    by_kind = sum(score.mean for _, score in scores.values()) / len(scores)
    ratios = {"lost_by_file": round(1 - by_file, 4), "lost_by_kind": round(1 - by_kind, 4)}
    lines = [
        "| pollution | files | header | records | cells |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['pollution']} | {row['files']} | {row['header_f1']} | {row['record_f1']} | "
        f"{row['cell_f1']} |"
        for row in rows
    ]
    lines += [
        "",
        f"Lost of {files_read:,} files: {1 - by_file:.2%}; mean of the kinds: {1 - by_kind:.2%}.",
    ]
    table = "\n".join(lines)
    print(table)
    report.write("pollution", rows, ratios, table)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mill", description=__doc__)
    parser.add_argument("--pollution", action="store_true", help="measure polluted files only")
    parser.add_argument("--every", type=int, default=1, help="pollute one row in EVERY")
    parser.add_argument("--megabytes", type=int, default=200, help="size of each file")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-mill-") as name:
        folder = Path(name)
        if chosen.pollution:
            os.chdir(folder)
            pollute(folder, chosen.every)
            os.chdir(ROOT)
        else:
            rows, ratios = speed(folder, chosen.megabytes)
            report.write("mill", rows, ratios, speed_table(rows, ratios))


if __name__ == "__main__":
    main()
