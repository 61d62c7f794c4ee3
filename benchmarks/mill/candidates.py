"""One reader on one file: `python -m benchmarks.mill.candidates NAME FILE FOLDER`."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.mill.measure import measure
from worker.handlers.contract import Context
from worker.handlers.profile import profile
from worker.handlers.profile.engine import connection as engine

_PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE_BYTES '16MB')"
_BATCH = 20
WARM_RUNS = 200


def _millrace(path: Path, folder: Path, options: dict[str, object]) -> None:
    profile(Context(str(path), str(folder / "1"), path.name, lambda *_: None), options)


def millrace(path: Path, folder: Path) -> None:
    """The whole handler without clean.csv and report.html, which no other reader writes."""
    _millrace(path, folder, {"files": "parquet"})


def everything(path: Path, folder: Path) -> None:
    """The whole handler with every file it writes."""
    _millrace(path, folder, {})


def warm(path: Path, folder: Path) -> None:
    """The whole handler on the same file repeatedly, as in a worker process that is warm."""
    for number in range(WARM_RUNS):
        run = folder / str(number)
        run.mkdir()
        everything(path, run)


def _connect(
    path: Path, folder: Path, memory: str = "512MB"
) -> tuple[duckdb.DuckDBPyConnection, str, dict[str, str]]:
    """Use the handler's number of threads, and the types that the engine's sniffer detects."""
    connection = duckdb.connect(
        config={
            "threads": engine.THREADS,
            "memory_limit": memory,
            "preserve_insertion_order": False,
        }
    )
    connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
    connection.execute("SET parquet_metadata_cache = true")
    sniffed = connection.execute(f"SELECT columns FROM sniff_csv('{path}')").fetchone()
    assert sniffed is not None
    types = {column["name"]: column["type"] for column in sniffed[0]}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    source = (
        f"read_csv('{path}', auto_detect = false, header = true, delim = ',', quote = '\"', "
        f"columns = {{{columns}}}, store_rejects = true, buffer_size = 4000000, "
        "max_line_size = 2000000)"
    )
    return connection, source, types


def copy(path: Path, folder: Path) -> None:
    """Typed Parquet only."""
    connection, source, _ = _connect(path, folder)
    connection.execute(f"COPY (FROM {source}) TO '{folder / 'a.parquet'}' {_PARQUET}")


def summarize(path: Path, folder: Path) -> None:
    """The engine's own SUMMARIZE; a wide table needs gigabytes."""
    connection, source, _ = _connect(path, folder, "8GB")
    connection.execute(f"SUMMARIZE FROM {source}").fetchall()
    connection.execute(f"COPY (FROM {source}) TO '{folder / 'a.parquet'}' {_PARQUET}")


def bare(path: Path, folder: Path) -> None:
    """Typed Parquet, then per column counts, range, top values; a histogram of those with many."""
    connection, source, types = _connect(path, folder)
    parquet = folder / "a.parquet"
    connection.execute(f"COPY (FROM {source}) TO '{parquet}' {_PARQUET}")
    names = list(types)
    for first in range(0, len(names), _BATCH):
        batch = names[first : first + _BATCH]
        spread = ", ".join(
            f'count("{name}"), min("{name}"), max("{name}"), approx_count_distinct("{name}")'
            + (f', avg("{name}"), stddev("{name}")' if _is_number(types[name]) else ", 0, 0")
            for name in batch
        )
        row = connection.execute(f"SELECT {spread} FROM '{parquet}'").fetchone()
        assert row is not None
        for index, name in enumerate(batch):
            connection.execute(
                f"SELECT \"{name}\", count(*) AS n FROM '{parquet}' GROUP BY 1 "
                "ORDER BY n DESC LIMIT 10"
            ).fetchall()
            if row[index * 6 + 3] > 20_000 and _is_number(types[name]):
                low, high = float(row[index * 6 + 1]), float(row[index * 6 + 2])
                width = (high - low) / 20 or 1.0
                connection.execute(
                    f'SELECT floor(("{name}" - {low}) / {width}) AS b, count(*) '
                    f"FROM '{parquet}' GROUP BY b"
                ).fetchall()
                connection.execute(
                    f"SELECT reservoir_quantile(\"{name}\", [0.25, 0.5, 0.75]) FROM '{parquet}'"
                ).fetchall()


def _is_number(kind: str) -> bool:
    return kind in ("BIGINT", "DOUBLE") or kind.startswith("DECIMAL")


def _on_two(reader: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
    """The same on two threads of the engine."""

    def read(path: Path, folder: Path) -> None:
        engine.THREADS = 2
        reader(path, folder)

    return read


READERS: dict[str, Callable[[Path, Path], None]] = {
    "millrace": millrace,
    "millrace, every file": everything,
    "warm": warm,
    "bare queries": bare,
    "COPY alone": copy,
    "SUMMARIZE + COPY": summarize,
}
READERS |= {f"{name}, 2 threads": _on_two(read) for name, read in READERS.items()}


if __name__ == "__main__":
    measure(READERS)
