"""Another reader on one file: `python read.py NAME FILE FOLDER`, in the peers' environment."""

import json
import sys
import time
from pathlib import Path


def use_polars(path: Path, folder: Path) -> None:
    """Parquet, and its description of each column; every step streams."""
    import polars

    polars.scan_csv(path, try_parse_dates=True).sink_parquet(folder / "p.parquet")
    polars.scan_parquet(folder / "p.parquet").describe()


def use_csv_detective(path: Path, _: Path) -> None:
    """All rows, with its profile of the columns."""
    from csv_detective import routine

    routine(str(path), num_rows=-1, output_profile=True, save_results=False)


def use_frictionless(path: Path, _: Path) -> None:
    """Describe and validate; it writes no data."""
    from frictionless import Resource, system

    with system.use_context(trusted=True):
        resource = Resource(path=str(path))
        resource.infer(stats=True)
        resource.validate()


def use_ydata(path: Path, _: Path) -> None:
    """Its minimal report, as JSON."""
    import pandas
    from ydata_profiling import ProfileReport

    ProfileReport(pandas.read_csv(path), minimal=True, progress_bar=False).to_json()


READERS = {
    "polars": use_polars,
    "csv-detective": use_csv_detective,
    "frictionless": use_frictionless,
    "ydata-profiling": use_ydata,
}


def main() -> None:
    """Run it; print seconds and peak bytes as JSON on the last line."""
    name, path, folder = sys.argv[1:]
    began = time.perf_counter()
    READERS[name](Path(path), Path(folder))
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    print(json.dumps({"seconds": seconds, "peak_bytes": int(peak.split()[1]) * 1024}))


if __name__ == "__main__":
    main()
