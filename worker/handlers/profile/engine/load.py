"""Has the engine read a file: straight into typed Parquet, or first as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from worker.handlers.profile.engine import parquet
from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.reading.csv_record import CsvFormat
from worker.handlers.profile.reading.lines import MAX_RECORD_BYTES
from worker.handlers.profile.types.column_plan import ColumnPlan

BUFFER_BYTES = 4_000_000
LINE_BYTES = 2_000_000


class AccountingMismatch(Exception):
    """Records read, written and rejected do not add up; the result would be a lie."""


class CannotLoad(Exception):
    """The file is not as plain as it seemed, or a value not of the type its column seemed to be."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that the engine can read: every record has ``columns`` cells, quotes are doubled.

    ``strict``: what breaks RFC 4180 is an error. Without it the engine may swallow records in
    silence, so only a count tells whether it has read all; but it can read line ends of several
    kinds inside quotes.
    """

    path: Path
    marks: CsvFormat
    header: bool
    columns: tuple[str, ...]
    longest: int = 0
    strict: bool = True


def straight(
    connection: duckdb.DuckDBPyConnection, source: Source, plans: Sequence[ColumnPlan]
) -> int:
    """Write the typed Parquet in one pass; return its rows.

    Raises:
        CannotLoad: a value does not fit its column's planned type, or a record is malformed.
    """
    cells = [(plan.quick(), plan.name) for plan in plans]
    return _write(connection, cells, source, parquet.CLEAN)


def stage(connection: duckdb.DuckDBPyConnection, source: Source) -> int:
    """Write every cell as text; return the rows. Raises CannotLoad as :func:`straight` does."""
    cells = [(identifier(name), name) for name in source.columns]
    return _write(connection, cells, source, parquet.STAGING)


def _write(
    connection: duckdb.DuckDBPyConnection,
    cells: Sequence[tuple[str, str]],
    source: Source,
    target: str,
) -> int:
    try:
        return parquet.write(connection, cells, _read_csv(source), target)
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise CannotLoad(str(error).splitlines()[0]) from error


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
