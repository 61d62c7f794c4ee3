"""Has the engine read a file: straight into typed Parquet, or first as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from worker.handlers.profile.casting import CLEAN, STAGING
from worker.handlers.profile.cells import Marks
from worker.handlers.profile.engine import identifier, literal
from worker.handlers.profile.kinds import TEXT
from worker.handlers.profile.lines import MAX_RECORD_BYTES
from worker.handlers.profile.plans import Plan

BUFFER_BYTES = 4_000_000
LINE_BYTES = 2_000_000


class AccountingMismatch(Exception):
    """Records read, written and rejected do not add up; the result would be a lie."""


class Unfit(Exception):
    """The file is not as plain as it seemed, or a value not of the type its column seemed to be."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that the engine can read: every record has ``columns`` cells, quotes are doubled.

    ``strict``: what breaks RFC 4180 is an error. Without it the engine may swallow records in
    silence, so only a count tells whether it has read all; but it can read line ends of several
    kinds inside quotes.
    """

    path: Path
    marks: Marks
    header: bool
    columns: tuple[str, ...]
    longest: int = 0
    strict: bool = True


def straight(connection: duckdb.DuckDBPyConnection, source: Source, plans: Sequence[Plan]) -> int:
    """Write the typed Parquet in one pass; return its rows.

    Raises:
        Unfit: a value is not of the type that its column was thought to have, or a record not of
            the shape of all others.
    """
    cells = ", ".join(f"{plan.quick()} AS {identifier(plan.name)}" for plan in plans)
    return _copy(connection, f"SELECT {cells} FROM {_read_csv(source)}", CLEAN, len(plans))


def stage(connection: duckdb.DuckDBPyConnection, source: Source) -> int:
    """Write every cell as text; return the rows. Raises Unfit as :func:`straight` does."""
    return _copy(connection, f"FROM {_read_csv(source)}", STAGING, len(source.columns))


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: str, columns: int) -> int:
    try:
        row = connection.execute(
            f"COPY ({query}) TO {literal(target)} {parquet(columns)}"
        ).fetchone()
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        Path(target).unlink(missing_ok=True)
        raise Unfit(str(error).splitlines()[0]) from error
    return int(row[0]) if row else 0


def parquet(columns: int) -> str:
    """COPY's options: row groups of about two million values, so that wide tables fit memory."""
    rows = max(2048, min(100_000, 2_000_000 // max(1, columns)))
    return f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {rows})"


def empty(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> None:
    """Write a Parquet without rows."""
    cells = ", ".join(f"NULL::{TEXT} AS {identifier(name)}" for name in columns)
    connection.execute(f"COPY (SELECT {cells} LIMIT 0) TO {literal(CLEAN)} (FORMAT parquet)")


def _read_csv(source: Source) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in source.columns)
    longest = max(LINE_BYTES, min(source.longest + 1024, MAX_RECORD_BYTES + 1024))
    options = {
        "auto_detect": "false",
        "delim": literal(source.marks.delimiter),
        "quote": "'\"'",
        "escape": "'\"'",
        "header": str(source.header).lower(),
        "columns": "{" + columns + "}",
        # A quoted "" is an empty text, nothing between two delimiters is no value.
        "allow_quoted_nulls": "false",
        # Line ends it finds by itself; told CRLF, it reads nothing.
        "strict_mode": str(source.strict).lower(),
        "max_line_size": str(longest),
        "buffer_size": str(max(BUFFER_BYTES, longest * 2)),
    }
    arguments = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"read_csv({literal(str(source.path))}, {arguments})"
