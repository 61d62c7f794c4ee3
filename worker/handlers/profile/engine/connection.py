"""A DuckDB connection that reaches only the job's own files and uses bounded memory."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb

from worker.handlers.contract import Context

THREADS = 1
MEMORY_MB = 256
# A vector of texts takes 32 KiB, and each column holds a few at any time.
MEMORY_MB_PER_COLUMN = 0.09
SPILL = "8GB"
POLL_SECONDS = 0.2
BATCH_COLUMNS = 20
T = TypeVar("T")


@contextmanager
def connect(source: Path, folder: Path, columns: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a locked-down engine for a table of ``columns``; it spills to disk in ``folder``.

    File names in queries are relative: the current directory must be ``folder``.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{MEMORY_MB + columns * MEMORY_MB_PER_COLUMN:.0f}MB",
            "threads": THREADS,
            "temp_directory": str(folder / "spill"),
            "max_temp_directory_size": SPILL,
            "preserve_insertion_order": True,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        connection.execute("SET enable_progress_bar = true")
        connection.execute("SET enable_progress_bar_print = false")
        connection.execute("SET progress_bar_time = 0")
        # Reading the metadata of a wide table takes longer than reading one of its columns.
        connection.execute("SET parquet_metadata_cache = true")
        connection.execute("SET allowed_directories = ?", [[str(folder)]])
        connection.execute("SET allowed_paths = ?", [[str(source)]])
        # The order matters: without external access the directories cannot change, and after
        # the lock no setting can.
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


@contextmanager
def progress(
    connection: duckdb.DuckDBPyConnection, context: Context, start: float, end: float, stage: str
) -> Iterator[None]:
    """Report the progress of queries in the block as ``start``–``end`` of the job, both 0–1."""
    finished = threading.Event()

    def poll() -> None:
        while not finished.wait(POLL_SECONDS):
            share = max(0.0, connection.query_progress()) / 100
            context.progress(start + (end - start) * min(1.0, share), stage)

    context.progress(start, stage)
    poller = threading.Thread(target=poll, daemon=True)
    poller.start()
    try:
        yield
    finally:
        finished.set()
        poller.join()


def batches(columns: Sequence[T], size: int = BATCH_COLUMNS) -> Iterator[Sequence[T]]:
    """Yield columns in groups that one query can handle in bounded memory."""
    for start in range(0, len(columns), size):
        yield columns[start : start + size]


def identifier(name: str) -> str:
    """Quote a column name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string for SQL where no parameter is allowed."""
    return "'" + text.replace("'", "''") + "'"
