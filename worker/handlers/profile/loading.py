"""Reads every record as text into a staging file, and keeps an account of those that do not fit."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from worker.handlers.contract import BadInput
from worker.handlers.profile.dialect import QUOTE, Dialect
from worker.handlers.profile.engine import identifier, literal
from worker.handlers.profile.records import MAX_RECORD_BYTES, Count

STAGING = "staging.parquet"
MOST_REJECTS = 100_000
BUFFER_BYTES = 4_000_000
_RAW_SHOWN = 2000
_BLANKS_SEARCHED = 4096


class AccountingMismatch(Exception):
    """Records read, written and rejected do not add up; the result would be a lie."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that is not in the output. ``line`` counts from 1, ``byte`` from 0."""

    line: int
    byte: int
    column: str
    reason: str
    raw: str

    def describe(self) -> dict[str, object]:
        """JSON for the result."""
        return {
            "line": self.line,
            "byte": self.byte,
            "column": self.column,
            "reason": self.reason,
            "raw": self.raw[:200],
        }


@dataclass(frozen=True, slots=True)
class Loaded:
    """The staged table's columns, its number of rows, and what is not in it."""

    columns: tuple[str, ...]
    written: int
    rejects: list[Reject]


def load(
    connection: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, count: Count
) -> Loaded:
    """Stage all records as text.

    Raises:
        BadInput: more than 100,000 records do not fit the dialect.
    """
    if count.records == 0:
        names = ", ".join(f"{identifier(name)} VARCHAR" for name in dialect.columns)
        connection.execute(f"CREATE TABLE empty ({names})")
        connection.execute(f"COPY empty TO {literal(STAGING)} (FORMAT parquet)")
        return Loaded(dialect.columns, 0, [])
    strict = dialect.newline != ""
    try:
        written = _stage(connection, path, dialect, count, strict=strict)
    except duckdb.InvalidInputException:
        # Line ends that are mixed further down. The lenient reader may swallow records after an
        # unclosed quote, which the count will tell.
        try:
            strict = False
            written = _stage(connection, path, dialect, count, strict=strict)
        except duckdb.InvalidInputException as error:
            raise BadInput(f"The engine cannot read this file: {_first_line(error)}") from error
    return Loaded(dialect.columns, written, _rejects(connection, path, strict=strict))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")


def _stage(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    dialect: Dialect,
    count: Count,
    *,
    strict: bool,
) -> int:
    row = connection.execute(
        f"COPY (FROM {_read_csv(path, dialect, count, strict=strict)}) TO {literal(STAGING)} "
        + parquet(dialect.columns)
    ).fetchone()
    return int(row[0]) if row else 0


def parquet(columns: Sequence[str]) -> str:
    """COPY's options: row groups of about two million values, so that wide tables fit memory."""
    rows = max(2048, min(100_000, 2_000_000 // max(1, len(columns))))
    return f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {rows})"


def _read_csv(path: Path, dialect: Dialect, count: Count, *, strict: bool) -> str:
    names = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in dialect.columns)
    longest = max(2_000_000, min(count.longest + 1024, MAX_RECORD_BYTES + 1024))
    options = {
        "auto_detect": "false",
        "delim": literal(dialect.delimiter),
        "quote": literal(QUOTE),
        "escape": literal(QUOTE),
        "header": str(dialect.header).lower(),
        "columns": "{" + names + "}",
        # A quoted "" is an empty text, nothing between two delimiters is no value.
        "allow_quoted_nulls": "false",
        # Line ends it finds by itself; told CRLF, it reads nothing.
        "strict_mode": str(strict).lower(),
        "store_rejects": "true",
        "rejects_table": literal(_rejects_table(strict)),
        "rejects_scan": literal(_rejects_table(strict) + "_scan"),
        "rejects_limit": str(MOST_REJECTS * 2),
        "max_line_size": str(longest),
        "buffer_size": str(max(BUFFER_BYTES, longest * 2)),
    }
    arguments = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"read_csv({literal(str(path))}, {arguments})"


def _rejects_table(strict: bool) -> str:
    return "strict_rejects" if strict else "lenient_rejects"


def _rejects(connection: duckdb.DuckDBPyConnection, path: Path, *, strict: bool) -> list[Reject]:
    # One bad record makes several rows here; `line` is a record number, the byte is exact.
    rows = connection.execute(
        f"""
        SELECT line_byte_position, arg_min(coalesce(column_name, ''), column_idx),
               arg_min(error_type::VARCHAR, column_idx), arg_min(error_message, column_idx),
               max(column_idx), arg_min(csv_line, column_idx)[:?],
               max(length(trim(csv_line, chr(10)))
                   - length(replace(trim(csv_line, chr(10)), chr(10), '')))
        FROM {_rejects_table(strict)} GROUP BY line_byte_position ORDER BY line_byte_position
        """,
        [_RAW_SHOWN],
    ).fetchall()
    if len(rows) >= MOST_REJECTS:
        raise BadInput(
            f"More than {MOST_REJECTS:,} records do not fit the dialect that was found; the first "
            f"at byte {rows[0][0]:,}: {rows[0][3]}."
        )
    starts = _starts(path, [(row[0], row[5] or "") for row in rows])
    lines = _line_numbers(path, starts)
    return [
        Reject(line, byte, column, _reason(kind, message, index, breaks), (raw or "").strip("\r\n"))
        for line, byte, (_, column, kind, message, index, raw, breaks) in zip(
            lines, starts, rows, strict=True
        )
    ]


def _reason(kind: str, message: str, found: int, breaks: int) -> str:
    expected = message.removeprefix("Expected Number of Columns: ").split(" ")[0]
    match kind:
        case "MISSING COLUMNS":
            missing = "fewer values than there are columns"
            return f"{missing} ({message.rpartition(': ')[2]} of {expected})"
        case "TOO MANY COLUMNS":
            return f"more values than there are columns ({found} for {expected})"
        case "UNQUOTED VALUE":
            # An unclosed quote takes everything after it along; that must not look like one line.
            span = f"; the record takes {breaks + 1:,} lines" if breaks else ""
            return f"a quoted value is not closed, or goes on after its closing quote{span}"
        case "LINE SIZE OVER MAXIMUM":
            return "the record is too long"
        case "INVALID ENCODING":
            return "the record is not valid UTF-8"
        case _:
            return message


def _starts(path: Path, claimed: Sequence[tuple[int, str]]) -> list[int]:
    """Return where each reject really begins.

    The engine counts on from the reject before, and is off by one for every blank line that stood
    in front of that; so its text is looked for just before the place it names.
    """
    starts = []
    with path.open("rb") as file:
        for byte, text in claimed:
            raw = text.strip("\r\n").encode()
            window = min(byte, _BLANKS_SEARCHED)
            file.seek(byte - window)
            found = file.read(window + len(raw)).rfind(raw)
            starts.append(byte - window + found if found >= 0 else byte)
    return starts


def _line_numbers(path: Path, offsets: Sequence[int]) -> list[int]:
    """Return the line (from 1) of each byte offset; ``offsets`` ascend."""
    numbers = []
    line, position = 1, 0
    with path.open("rb") as file:
        for offset in offsets:
            while position < offset:
                chunk = file.read(min(1024 * 1024, offset - position))
                line += chunk.count(b"\n") or chunk.count(b"\r")
                position += len(chunk) or offset - position
            numbers.append(line)
    return numbers


def check_accounting(read: int, loaded: Loaded) -> None:
    """Raise AccountingMismatch unless every record is either written or rejected."""
    rejected = len(loaded.rejects)
    if read != loaded.written + rejected:
        raise AccountingMismatch(
            f"{read:,} records were counted, but {loaded.written:,} were written and {rejected:,} "
            "rejected. Nothing is published, so that nothing is lost unseen."
        )


def write_rejects(path: Path, rejects: Sequence[Reject]) -> None:
    """Write the rejects as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "byte", "column", "reason", "raw"])
        for reject in rejects:
            writer.writerow([reject.line, reject.byte, reject.column, reject.reason, reject.raw])
