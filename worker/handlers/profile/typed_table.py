"""Writes the typed Parquet from a file that the engine can read.

If the sample is clear, it gives the types, and every value is checked against them while the file
is loaded in one pass. Otherwise the file is staged as text, and all of its values give the types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from worker.handlers.contract import Context
from worker.handlers.profile.accounting.issues import Issue, IssueLog
from worker.handlers.profile.accounting.tally import AccountingMismatch
from worker.handlers.profile.engine import connection as engine
from worker.handlers.profile.engine import load, parquet
from worker.handlers.profile.engine.load import CsvSource, MisfitFound
from worker.handlers.profile.engine.parquet import OutputColumn
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.lines import LineReader
from worker.handlers.profile.stages import Detected, Prepared, TextSource
from worker.handlers.profile.types import staged_table
from worker.handlers.profile.types.column_plan import ColumnPlan
from worker.handlers.profile.types.inference import infer_plans
from worker.handlers.profile.types.sampling import plan_from_sample


@dataclass(frozen=True, slots=True)
class TypedTable:
    """What was written: ``rows`` rows, typed by ``plans``; ``rejected`` rows have a misfit.

    ``null_words`` are per column the words that were read as missing, and how often. ``texts`` has
    the cells as text, None where there are no rows.
    """

    plans: Sequence[ColumnPlan]
    rows: int
    texts: TextSource | None = None
    null_words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rejected: int = 0


class TypedTableWriter:
    """One file, its format, and the log of the rows that are rejected for their values."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        context: Context,
        options: Options,
        prepared: Prepared,
        detected: Detected,
        rejects: IssueLog,
    ) -> None:
        self._connection = connection
        self._context = context
        self._options = options
        self._text = prepared.text
        self._sample_end = prepared.sample.skipped_lines + len(
            prepared.sample.lines
        )  # a line number
        self._sample_records = detected.records
        self._columns = detected.layout.columns
        self._rejects = rejects

    def write(
        self,
        source: CsvSource,
        start: float,
        overflow: Sequence[str] = (),
        line_column: str = "",
    ) -> TypedTable:
        """Write the typed Parquet of ``source``; its progress begins at ``start``, 0–1.

        Of its columns beyond those of the table, ``overflow`` are written too; ``line_column`` has
        the line numbers and is not.

        Raises:
            AccountingMismatch: not every row that was left out was rejected.
            CannotLoad: a record is malformed.
        """
        planned = self._plan_from_sample()
        if planned is not None:
            plans = [*planned, *map(ColumnPlan, overflow)]
            rows = self._load_typed(source, plans, start)
            if rows is not None:
                texts = TextSource(
                    load.read_csv_sql(source),
                    parquet.SLICE_COLUMNS,
                    source.path,
                    temporary=source.path != self._text.path,
                )
                return TypedTable(plans, rows, texts)
        names = [*self._columns, *overflow]
        return self._stage_and_type(source, names, start, line_column)

    def _plan_from_sample(self) -> list[ColumnPlan] | None:
        """Plan the columns, unless the sample has lines that are not records."""
        if self._rejects.count and self._rejects.first[0].line <= self._sample_end:
            return None
        return plan_from_sample(self._columns, self._sample_records, self._options)

    def _load_typed(
        self, source: CsvSource, plans: Sequence[ColumnPlan], start: float
    ) -> int | None:
        """Load in one pass; return the rows, None if the plans do not hold for all values."""
        output = [OutputColumn(plan.strict_sql(), plan.name) for plan in plans]
        with engine.progress(self._connection, self._context, start, 0.8, "Loading"):
            try:
                rows = load.load_typed(self._connection, source, output)
            except MisfitFound:
                return None
        # Of a column that is empty in the sample the type is unknown: it must have no value at all.
        unknown = [plan for plan in plans if plan.value_format is None and not plan.has_values]
        complete = all(parquet.is_empty_column(self._connection, plan.name) for plan in unknown)
        return rows if complete else None

    def _stage_and_type(
        self, source: CsvSource, names: Sequence[str], start: float, line_column: str
    ) -> TypedTable:
        """Load every cell as text, and type the columns by all of their values."""
        connection, context = self._connection, self._context
        with engine.progress(connection, context, start, 0.5, "Loading"):
            staged = load.load_as_text(connection, source)
        with engine.progress(connection, context, 0.5, 0.65, "Detecting types"):
            plans = infer_plans(connection, names, self._options)
            null_words = staged_table.count_null_words(connection, plans)
        with engine.progress(connection, context, 0.65, 0.8, "Writing Parquet"):
            rows = staged_table.write_typed(connection, plans)
        rejected = self._reject_misfits(plans, line_column) if rows != staged else 0
        if rows + rejected != staged:
            raise AccountingMismatch(
                f"{staged - rows:,} rows were left out for values that do not fit, but "
                f"{rejected:,} were rejected. Nothing was published."
            )
        texts = TextSource(
            staged_table.source_sql(plans),
            staged_table.SLICE_COLUMNS,
            Path(parquet.STAGING),
            temporary=True,
        )
        return TypedTable(plans, rows, texts, null_words, rejected)

    def _reject_misfits(self, plans: Sequence[ColumnPlan], line_column: str) -> int:
        """Log the rows that have a misfit; return their number."""
        nouns = {plan.name: plan.value_format.noun for plan in plans if plan.value_format}
        lines = LineReader(self._text.path, self._text.bom_bytes)
        before = self._rejects.count
        for misfit in staged_table.rejected_misfits(self._connection, plans, line_column):
            raw = b""
            while lines.number < misfit.line:
                raw = lines.next() or b""
            reason = f"“{misfit.text[:100]}” is not a valid {nouns[misfit.column]}"
            text = raw.decode("utf-8", "replace")
            self._rejects.add(
                Issue(misfit.line, lines.offset, misfit.column, reason, "rejected", text)
            )
        lines.close()
        return self._rejects.count - before
