"""The load stage: typed Parquet from the file, by the shortest way that keeps every record.

A plain file is loaded as it is, while its records are counted without the engine. Any other file is
first normalized: written anew, record by record.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import duckdb

from worker.handlers.contract import Context
from worker.handlers.profile.accounting.issues import IssueLog
from worker.handlers.profile.accounting.tally import AccountingMismatch, Tally
from worker.handlers.profile.detection.dialect import Dialect
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.engine import parquet, record_count
from worker.handlers.profile.engine.load import CannotLoad, CsvSource
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import format_record
from worker.handlers.profile.reading.lines import MAX_RECORD_BYTES
from worker.handlers.profile.repair import normalize
from worker.handlers.profile.repair.file_end import has_footer
from worker.handlers.profile.stages import Detected, Loaded, Prepared
from worker.handlers.profile.typed_table import TypedTable, TypedTableWriter
from worker.handlers.profile.types.column_plan import ColumnPlan

REJECTS, REPAIRS = "rejects.csv", "repairs.csv"


class _HelperColumns(NamedTuple):
    """Names of the columns that a normalized file has besides its own."""

    overflow: str
    line: str


def load(
    connection: duckdb.DuckDBPyConnection,
    context: Context,
    options: Options,
    prepared: Prepared,
    detected: Detected,
) -> Loaded:
    """Load the file into typed Parquet and account for its records.

    Raises:
        AccountingMismatch: a record is missing or counted twice.
        BadInput: a line is longer than a record may be.
    """
    loader = _Loader(connection, context, options, prepared, detected)
    loaded = loader.load_as_is() or loader.load_normalized()
    loaded.rejects.close()
    loaded.repairs.close()
    tally = loaded.tally
    if tally.written != loaded.rows or tally.rejected != loaded.rejects.count:
        raise AccountingMismatch(
            f"{tally.read:,} records were read, but {loaded.rows:,} were written and "
            f"{loaded.rejects.count:,} rejected. Nothing was published, so no record is lost "
            "silently."
        )
    return loaded


class _Loader:
    """One file, and the ways to load it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        context: Context,
        options: Options,
        prepared: Prepared,
        detected: Detected,
    ) -> None:
        self._connection = connection
        self._context = context
        self._options = options
        self._text = prepared.text
        self._dialect = detected.dialect
        self._layout = detected.layout
        self._rejects = IssueLog(context.folder / REJECTS)
        self._repairs = IssueLog(context.folder / REPAIRS)
        self._writer = TypedTableWriter(
            connection, context, options, prepared, detected, self._rejects
        )

    def load_as_is(self) -> Loaded | None:
        """Load the file itself; None if it is not plain."""
        if not _looks_plain(self._dialect, self._layout, self._options):
            return None
        header = self._layout.header_rows
        csv_format = self._dialect.csv_format
        if has_footer(self._text.path, csv_format):
            return None
        self._context.progress(0.05, "Counting records")
        count = record_count.count(
            self._text.path,
            self._text.bom_bytes,
            format_record(header[0], csv_format).encode() if header else None,
            lambda share: self._context.progress(min(0.15, 0.05 + share * 0.1), "Counting records"),
        )
        if count is None or count <= len(header):
            return None
        source = CsvSource(
            self._text.path, csv_format.delimiter, len(header) > 0, self._layout.columns
        )
        try:
            table = self._writer.write(source, 0.15)
        except CannotLoad:
            return None
        if table.rows != count - len(header):
            return None
        return self._loaded(table, Tally(written=table.rows))

    def load_normalized(self) -> Loaded:
        """Write every record as the engine can read it, and load that.

        Raises:
            AccountingMismatch: a line is unaccounted for, or the engine reads other records.
            BadInput: a line is longer than a record may be.
        """
        path = self._context.folder / normalize.NORMALIZED
        tally, longest_record = self._normalize(path)
        columns = self._layout.columns
        if not tally.written:
            parquet.write_empty(self._connection, columns)
            plans = [ColumnPlan(name, has_values=False) for name in columns]
            return self._loaded(TypedTable(plans, 0), tally)
        helpers = _helper_columns(columns)
        source = CsvSource(
            path,
            self._dialect.csv_format.delimiter,
            has_header=False,
            columns=(*columns, *helpers),
            longest_record=min(longest_record, MAX_RECORD_BYTES),
        )
        overflow = [helpers.overflow] if tally.overflowing else []
        try:
            table = self._writer.write(source, 0.25, overflow, helpers.line)
        except CannotLoad:
            try:
                lenient = replace(source, strict=False)
                table = self._writer.write(lenient, 0.25, overflow, helpers.line)
            except CannotLoad as error:
                raise AccountingMismatch(
                    f"The engine cannot read the normalized file: {error}"
                ) from error
        if table.texts is None or table.texts.path != path:
            path.unlink()
        tally = replace(
            tally,
            written=tally.written - table.rejected,
            rejected=tally.rejected + table.rejected,
        )
        return self._loaded(table, tally)

    def _normalize(self, path: Path) -> tuple[Tally, int]:
        """Write the normalized file; return the tally and the longest record in bytes."""
        self._context.progress(0.05, "Checking every line")
        normalizer = normalize.RecordNormalizer(
            normalize.Table(self._text, self._dialect, self._layout, self._options),
            self._rejects,
            self._repairs,
        )
        tally = normalizer.run(
            path,
            lambda share: self._context.progress(
                min(0.25, 0.05 + share * 0.2), "Checking every line"
            ),
        )
        if not tally.complete:
            raise AccountingMismatch(
                "Not every line of the file is accounted for. Nothing was published."
            )
        return tally, normalizer.longest_record

    def _loaded(self, table: TypedTable, tally: Tally) -> Loaded:
        return Loaded(
            table.plans,
            table.rows,
            table.texts,
            table.null_words,
            tally,
            self._rejects,
            self._repairs,
        )


def _looks_plain(dialect: Dialect, layout: Layout, options: Options) -> bool:
    """Whether the engine may read the file as it is, once its count has been checked."""
    csv_format = dialect.csv_format
    return (
        layout.is_plain
        and layout.width > 1
        and csv_format.quote == '"'
        and csv_format.escape is None
        and not csv_format.padded
        and csv_format.delimiter.isascii()
        and len(csv_format.delimiter) == 1
        and not csv_format.framed
        and not csv_format.wrapped
        and dialect.comment is None
        and dialect.newline in ("LF", "CRLF")
        and options.misfits == "widen"
    )


def _helper_columns(names: Sequence[str]) -> _HelperColumns:
    """Choose names that no column has."""
    taken = {name.lower() for name in names}
    prefix = ""
    while prefix + normalize.OVERFLOW in taken or prefix + normalize.LINE in taken:
        prefix += "_"
    return _HelperColumns(prefix + normalize.OVERFLOW, prefix + normalize.LINE)
