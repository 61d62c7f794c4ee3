"""Another reader on one file: `python -m benchmarks.mill.peers.read NAME FILE FOLDER`.

It runs in the peers' environment, which has nothing of the product's.
"""

from pathlib import Path

from benchmarks.mill.measure import measure


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


if __name__ == "__main__":
    measure(READERS)
