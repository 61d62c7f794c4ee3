"""The steps of a profile, top to bottom."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from worker.handlers.contract import Context, Result, handler
from worker.handlers.profile.accounting.issues import Issue, IssueLog
from worker.handlers.profile.accounting.tally import Tally
from worker.handlers.profile.describing import columns
from worker.handlers.profile.describing.column_stats import TableSize
from worker.handlers.profile.detection import dialect, layout, sample
from worker.handlers.profile.detection.dialect import Dialect
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.engine import connection as engine
from worker.handlers.profile.engine import load, parquet, record_count
from worker.handlers.profile.engine.load import AccountingMismatch, CannotLoad, Source
from worker.handlers.profile.options import Options
from worker.handlers.profile.publishing import summary
from worker.handlers.profile.reading import text
from worker.handlers.profile.reading.csv_record import CsvFormat, format_record
from worker.handlers.profile.reading.lines import LineReader
from worker.handlers.profile.repair import normalize
from worker.handlers.profile.types import column_plan, inference
from worker.handlers.profile.types.column_plan import ColumnPlan


@handler(title="Profile and convert to Parquet", options=Options)
def profile(context: Context, options: Options) -> Result:
    """Finds the dialect and the types, counts every record, and writes typed Parquet."""
    try:
        return Run(context, options).run()
    except duckdb.OutOfMemoryException as error:
        raise MemoryError(f"Profiling ran out of memory. {error}") from error


class Run:
    """One file on its way through; what is found out step by step."""

    def __init__(self, context: Context, options: Options) -> None:
        self.context = context
        self.options = options
        self.folder = context.folder
        self.size = context.source.stat().st_size
        self.rejects = IssueLog(self.folder / summary.REJECTS)
        self.repairs = IssueLog(self.folder / summary.REPAIRS)
        self.tally = Tally()
        self.null_words: dict[str, dict[str, int]] = {}
        self.plans: list[ColumnPlan] = []
        self.written = 0

    def run(self) -> Result:
        """Do all of it."""
        progress = self.context.progress
        progress(0.0, "reading")
        self.text = text.to_utf8(
            self.context.source,
            self.folder,
            self.options,
            lambda share: progress(min(0.05, share * 0.05), "reading"),
        )
        taken = sample.take_sample(self.text, self.options.skip_lines or 0)
        self.dialect = dialect.detect_dialect(taken, self.options)
        self.layout = layout.detect_layout(taken, self.dialect, self.options)
        self.sample = layout.sample_rows(taken, self.dialect, self.layout)
        # Where it has lines that are no records, nothing is to be guessed from it.
        self.sample_ends = taken.skipped_lines + len(taken.lines)
        width = self.layout.width + 2
        with engine.connect(self.text.path, self.folder, width) as self.connection:
            if not self._read_plain():
                self._read_normalized()
            self._account()
            described = columns.describe(
                self.connection,
                self.plans,
                TableSize(self.written, self.text.path.stat().st_size, self.text.ascii),
                lambda share: progress(min(0.95, 0.8 + share * 0.15), "describing columns"),
            )
            progress(0.95, "writing results")
            return summary.write(self, described)

    def _read_plain(self) -> bool:
        """Read the file as it is, if it is as plain as it looks."""
        if not _is_plain(self.dialect, self.layout, self.options):
            return False
        progress = self.context.progress
        progress(0.05, "counting records")
        header = len(self.layout.header_rows)
        count = record_count.count(
            self.text.path,
            self.text.bom_bytes,
            format_record(self.layout.header_rows[0], self.dialect.csv_format).encode()
            if header
            else None,
            lambda share: progress(min(0.15, 0.05 + share * 0.1)),
        )
        if count is None or count <= header:
            return False
        plain = Source(self.text.path, self.dialect.csv_format, header > 0, self.layout.columns)
        try:
            self._load(plain, 0.15)
        except CannotLoad:
            return False
        if self.written != count - header:
            return False
        self.tally.written = self.written
        return True

    def _read_normalized(self) -> None:
        """Write every record as the engine can read it, and have it read that."""
        progress = self.context.progress
        progress(0.05, "checking every line")
        path = self.folder / normalize.NORMALIZED
        normalizer = normalize.RecordNormalizer(
            normalize.Table(self.text, self.dialect, self.layout, self.options),
            self.rejects,
            self.repairs,
        )
        self.tally = normalizer.run(path, lambda share: progress(min(0.25, 0.05 + share * 0.2)))
        if not self.tally.complete:
            raise AccountingMismatch("Not every line is accounted for. Nothing is published.")
        helpers = _helpers(self.layout.columns)
        names = (*self.layout.columns, *helpers)
        if not self.tally.written:
            self.plans = [ColumnPlan(name, filled=False) for name in self.layout.columns]
            parquet.empty(self.connection, self.layout.columns)
            return
        csv_format = CsvFormat(self.dialect.csv_format.delimiter)
        normalized = Source(path, csv_format, False, names, normalizer.longest_record)
        try:
            self._load(normalized, 0.25, helpers)
        except CannotLoad:
            try:
                self._load(replace(normalized, strict=False), 0.25, helpers)
            except CannotLoad as error:
                raise AccountingMismatch(f"The normalized file cannot be read: {error}") from error
        path.unlink()

    def _load(self, csv: Source, start: float, helpers: Sequence[str] = ()) -> None:
        """Write the typed Parquet of a file; raises CannotLoad where the engine cannot read it."""
        self.null_words = {}
        overflow = [helpers[0]] if helpers and self.tally.overflowing else []
        names = [*self.layout.columns, *overflow]
        guessed = None
        if not self.rejects.count or self.rejects.first[0].line > self.sample_ends:
            guessed = column_plan.guess(self.layout.columns, self.sample, self.options)
        if guessed is not None:
            self.plans = [*guessed, *(ColumnPlan(name) for name in overflow)]
            with engine.progress(self.connection, self.context, start, 0.8, "loading"):
                try:
                    self.written = load.straight(self.connection, csv, self.plans)
                except CannotLoad as error:
                    if "misfit" not in str(error):
                        raise
                else:
                    if self._guess_was_complete():
                        return
        with engine.progress(self.connection, self.context, start, 0.5, "loading"):
            staged = load.stage(self.connection, csv)
        with engine.progress(self.connection, self.context, 0.5, 0.65, "finding types"):
            self.plans = inference.decide(self.connection, names, self.options)
            self.null_words = inference.null_words(self.connection, self.plans)
        with engine.progress(self.connection, self.context, 0.65, 0.8, "writing Parquet"):
            self.written = inference.write(self.connection, self.plans)
        if self.written != staged:
            self._reject_misfits(staged, helpers)
        Path(parquet.STAGING).unlink()

    def _guess_was_complete(self) -> bool:
        """Whether the columns of which the sample had no values have none at all."""
        unknown = [plan for plan in self.plans if plan.kind is None and not plan.filled]
        return all(columns.is_empty(self.connection, plan.name) for plan in unknown)

    def _reject_misfits(self, staged: int, helpers: Sequence[str]) -> None:
        found = inference.misfits(self.connection, self.plans, helpers[1])
        kinds = {plan.name: plan.kind.name for plan in self.plans if plan.kind}
        lines = LineReader(self.text.path, self.text.bom_bytes)
        rejected = 0
        for number, column, value in found:
            raw = b""
            while lines.number < number:
                raw = lines.next() or b""
            reason = f"“{value[:100]}” is not of the column's kind, {kinds[column]}"
            problem = Issue(
                number, lines.offset, column, reason, "rejected", raw.decode("utf-8", "replace")
            )
            self.rejects.add(problem)
            rejected += 1
        lines.close()
        self.tally.written -= rejected
        self.tally.rejected += rejected
        if self.written + rejected != staged:
            raise AccountingMismatch("The rows left out and those that do not fit differ.")

    def _account(self) -> None:
        self.rejects.close()
        self.repairs.close()
        if self.tally.written != self.written or self.tally.rejected != self.rejects.count:
            raise AccountingMismatch(
                f"{self.tally.read:,} records were counted, but {self.written:,} were written and "
                f"{self.rejects.count:,} rejected. Nothing is published, so that nothing is lost "
                "unseen."
            )


def _is_plain(found: Dialect, table: Layout, options: Options) -> bool:
    """Whether the engine may read the file as it is, once its count has been checked."""
    csv_format = found.csv_format
    return (
        table.is_plain
        and table.width > 1
        and csv_format.quote == '"'
        and csv_format.escape is None
        and not csv_format.padded
        and found.comment is None
        and found.newline in ("LF", "CRLF")
        and csv_format.delimiter.isascii()
        and options.misfits == "widen"
    )


def _helpers(names: Sequence[str]) -> tuple[str, str]:
    """Names for the overflow and the line number that no column has."""
    taken = {name.lower() for name in names}
    prefix = ""
    while prefix + normalize.OVERFLOW in taken or prefix + normalize.LINE in taken:
        prefix += "_"
    return prefix + normalize.OVERFLOW, prefix + normalize.LINE
