"""Has the engine read a file: straight into typed Parquet, or first as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from worker.handlers.profile.engine import parquet
from worker.handlers.profile.engine.connection import identifier, literal
from worker.handlers.profile.engine.parquet import OutputColumn

# What an expression evaluates to for a value that is not of its column's type.
MISFIT_SQL = "error('misfit')"
_MISFIT_MESSAGE = "Invalid Input Error: misfit"
_BUFFER_BYTES = 4_000_000
_MIN_LINE_BYTES = 2_000_000


class CannotLoad(Exception):
    """The file is not as plain as it seemed, or holds a misfit."""


class MisfitFound(CannotLoad):
    """A value is not of the type that was planned for its column."""


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A file that the engine can read: every record has ``columns`` cells, quotes are doubled.

    ``longest_record`` is in bytes, 0 for no more than the engine's default. ``strict``: what breaks
    RFC 4180 is an error. Without it the engine may swallow records in silence, so only a count
    tells whether it has read all; but it can read line ends of several kinds inside quotes.
    """

    path: Path
    delimiter: str
    has_header: bool
    columns: tuple[str, ...]
    longest_record: int = 0
    strict: bool = True


def load_typed(
    connection: duckdb.DuckDBPyConnection, source: CsvSource, output: Sequence[OutputColumn]
) -> int:
    """Write the typed Parquet in one pass; return its rows.

    Raises:
        MisfitFound: an expression of ``output`` evaluated to ``MISFIT_SQL``.
        CannotLoad: a record is malformed.
    """
    return _write(connection, output, source, parquet.CLEAN)


def load_as_text(connection: duckdb.DuckDBPyConnection, source: CsvSource) -> int:
    """Write the staged table, every cell as text; return its rows.

    Raises:
        CannotLoad: a record is malformed.
    """
    output = [OutputColumn(identifier(name), name) for name in source.columns]
    return _write(connection, output, source, parquet.STAGING)


def _write(
    connection: duckdb.DuckDBPyConnection,
    output: Sequence[OutputColumn],
    source: CsvSource,
    target: str,
) -> int:
    try:
        return parquet.write(connection, output, read_csv_sql(source), target)
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        message = str(error).splitlines()[0]
        # The engine has one exception for all: its message is the only difference.
        raise (MisfitFound if message == _MISFIT_MESSAGE else CannotLoad)(message) from error


def read_csv_sql(source: CsvSource) -> str:
    """SQL for the table of a file, every cell as text."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in source.columns)
    line_bytes = max(_MIN_LINE_BYTES, source.longest_record + 1024)
    options = {
        "auto_detect": "false",
        "delim": literal(source.delimiter),
        "quote": "'\"'",
        "escape": "'\"'",
        "header": str(source.has_header).lower(),
        "columns": "{" + columns + "}",
        # A quoted "" is an empty text, nothing between two delimiters is missing.
        "allow_quoted_nulls": "false",
        # The engine detects line ends itself; told CRLF, it reads nothing.
        "strict_mode": str(source.strict).lower(),
        "max_line_size": str(line_bytes),
        "buffer_size": str(max(_BUFFER_BYTES, line_bytes * 2)),
    }
    arguments = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"read_csv({literal(str(source.path))}, {arguments})"
