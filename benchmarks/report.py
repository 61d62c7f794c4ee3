"""What every benchmark leaves: results as JSON, and their table in docs/benchmarks.md."""

import json
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from processing.paths import ROOT

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"


def machine() -> dict[str, Any]:
    """Facts of this machine."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory[1]) / 2**20) if memory else None,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit that is measured, marked if the tree has changes."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return described.stdout.strip()


def write(topic: str, rows: list[dict[str, Any]], ratios: dict[str, float], table: str) -> None:
    """Store a topic's results and put ``table`` between its marks in the page."""
    RESULTS.mkdir(exist_ok=True)
    facts = machine()
    found = {
        "machine": facts,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "rows": rows,
        "ratios": ratios,
    }
    (RESULTS / f"{topic}.json").write_text(json.dumps(found, indent=1) + "\n")
    said = (
        f"{found['date']}, commit `{found['commit']}`, {facts['cores']} cores of "
        f"{facts['cpu']}, {facts['memory_gib']} GiB, Python {facts['python']}."
    )
    begin, end = f"<!-- {topic} -->", f"<!-- /{topic} -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{said}\n\n{table}\n{end}{after}")
