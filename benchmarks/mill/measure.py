"""Runs one reader of several on one file, and prints what that took."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def measure(readers: Mapping[str, Callable[[Path, Path], None]]) -> None:
    """Run the one that the command line names; print seconds and peak bytes as JSON, last."""
    name, path, folder = sys.argv[1:]
    began = time.perf_counter()
    readers[name](Path(path), Path(folder))
    seconds = time.perf_counter() - began
    # Not ru_maxrss, which a process inherits from the one that started it.
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    print(json.dumps({"seconds": seconds, "peak_bytes": int(peak.split()[1]) * 1024}))
