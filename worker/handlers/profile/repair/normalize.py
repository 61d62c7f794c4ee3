"""Writes a file of which every line is a record that the engine can load.

It is used for files that are not plain. Every line is accounted for: it belongs to a record that
is written or rejected, or is above the records, blank, a comment or a repeated header. Most lines
are complete records and are copied; the others are parsed, repaired if their meaning is clear, and
logged.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from worker.handlers.profile.accounting.issues import IssueLog
from worker.handlers.profile.accounting.tally import Tally
from worker.handlers.profile.detection import value_shapes
from worker.handlers.profile.detection.dialect import Dialect
from worker.handlers.profile.detection.header import header_key
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.detection.other_dialect import (
    RepairedRecord,
    read_in_other_dialect,
    unwrap_single_quotes,
)
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import (
    parse_lenient,
    split_raw,
    trim_trailing,
)
from worker.handlers.profile.reading.lines import LineReader
from worker.handlers.profile.reading.text import Utf8File
from worker.handlers.profile.repair import lookahead
from worker.handlers.profile.repair.complete_line import complete_line_test
from worker.handlers.profile.repair.lookahead import RawRecord
from worker.handlers.profile.repair.other_lines import OtherLines
from worker.handlers.profile.repair.record import describe_width, fit_to_width
from worker.handlers.profile.repair.region import Region, reject_reason
from worker.handlers.profile.repair.writer import Line, RecordWriter

NORMALIZED = "normalized.tmp"
OVERFLOW, LINE = "_overflow", "_line"
_REPORT_LINES = 65536
_FLUSH_LINES = 4096
# What is appended to a line that is copied: the delimiters, the line number, the line end.
_COPY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Table:
    """The text to read, and what was detected of the table in it."""

    text: Utf8File
    dialect: Dialect
    layout: Layout
    options: Options


class RecordNormalizer:
    """One pass through a file."""

    def __init__(self, table: Table, rejects: IssueLog, repairs: IssueLog) -> None:
        """Log what is wrong to ``rejects`` and ``repairs``."""
        self._tally = Tally()
        self._table = table
        self._layout = table.layout
        self._width = table.layout.width
        self._csv_format = table.dialect.csv_format
        self._header = {header_key(cells) for cells in table.layout.header_rows}
        self._lines = LineReader(table.text.path, table.text.bom_bytes)
        self._writer = RecordWriter(self._csv_format.delimiter, self._tally, rejects, repairs)
        self._region = Region.ABOVE_TABLE
        self._blank_lines_above = 0
        self._empty_rows: list[int] = []
        self._other_lines = OtherLines(self._lines, self._csv_format, table.layout.value_shapes)

    def run(self, target: Path, report: Callable[[float], None]) -> Tally:
        """Write the normalized file; ``report`` gets the share done, 0–1.

        Each record of it has the table's columns, one for the overflow and one for its line number.

        Raises:
            BadInput: a line is longer than the 16 MiB a record may have.
        """
        lines, tally, writer = self._lines, self._tally, self._writer
        pending = writer.pending
        size = max(1, self._table.text.path.stat().st_size)
        is_complete = complete_line_test(self._table.dialect, self._layout)
        no_overflow = self._csv_format.delimiter.encode() * 2
        try:
            self._read_above_table()
            with target.open("wb") as file:
                while (raw := lines.next()) is not None:
                    in_table = self._region is Region.TABLE and not self._blank_lines_above
                    if in_table and is_complete(raw):
                        if self._empty_rows:
                            self._flush_empty_rows()
                        pending.append(b"%b%b%d\n" % (raw, no_overflow, lines.number))
                        if len(raw) > writer.longest_record:
                            writer.longest_record = len(raw) + _COPY_BYTES
                        tally.written += 1
                        tally.record_lines += 1
                    else:
                        self._process(raw)
                    if len(pending) >= _FLUSH_LINES:
                        file.writelines(pending)
                        pending.clear()
                    if not lines.number % _REPORT_LINES:
                        report(min(1.0, lines.offset / size))
                file.writelines(pending)
        finally:
            lines.close()
        tally.lines = lines.number
        tally.empty_rows = len(self._empty_rows)
        return tally

    @property
    def longest_record(self) -> int:
        """The size in bytes of the longest record written, at least."""
        return self._writer.longest_record

    def _read_above_table(self) -> None:
        """Read the lines above the first record."""
        lines, skipped = self._lines, self._table.options.skip_lines or 0
        for _ in range(self._layout.first_line - 1):
            raw = lines.next()
            if raw is None:
                break
            line = self._current(raw)
            if skipped < lines.number <= self._layout.rejected_until:
                self._reject_outside(line)
            elif lines.number > self._layout.header_end and self._is_comment(line):
                self._tally.comments += 1
            elif lines.number > self._layout.header_end and not line.text.strip():
                self._tally.blank += 1
            else:
                self._tally.above_records += 1
        self._region = Region.TABLE

    def _current(self, raw: bytes) -> Line:
        return Line(self._lines.number, self._lines.offset, raw.decode("utf-8", "replace"))

    def _process(self, raw: bytes) -> None:
        """Account for the current line, and for those that belong to the same record."""
        line = self._current(raw)
        if self._region is not Region.TABLE:
            self._reject_outside(line)
        elif self._is_blank(line):
            self._tally.blank += 1
            self._blank_lines_above += 1
        else:
            blank_lines, self._blank_lines_above = self._blank_lines_above, 0
            if self._is_comment(line):
                self._tally.comments += 1
            else:
                self._process_record(line, blank_lines)

    def _is_blank(self, line: Line) -> bool:
        if line.text.strip():
            return False
        return self._width > 1 or lookahead.only_blank_lines_follow(self._lines)

    def _is_comment(self, line: Line) -> bool:
        comments = self._table.dialect.comments
        return comments.covers(line.text, self._csv_format, self._width)

    def _flush_empty_rows(self) -> None:
        """Write rows without any value that other rows follow; at the end they are left out."""
        for number in self._empty_rows:
            self._tally.record_lines += 1
            self._writer.write([None] * self._width, number)
        self._empty_rows.clear()

    def _process_record(self, line: Line, blank_lines: int) -> None:
        record = lookahead.read_record(self._lines, line.text, self._csv_format, self._width)
        if self._may_continue(record):
            record = lookahead.join_bare_line_feeds(
                self._lines, record, self._csv_format, self._width
            )
        if self._layout.trailing_delimiters and record.parsed.well_formed:
            trimmed = trim_trailing(record.parsed.cells, self._width)
            record = replace(record, parsed=replace(record.parsed, cells=trimmed))
        cells = record.parsed.cells
        if len(cells) == self._width > 1 and cells.count(None) == self._width:
            self._empty_rows.append(line.number)
            return
        self._flush_empty_rows()
        if not record.parsed.well_formed:
            self._normalize(line, record, blank_lines)
        elif header_key(cells) in self._header:
            self._consume(record)
            self._tally.repeated_headers += record.line_count
        elif len(cells) != self._width:
            self._normalize(line, record, blank_lines)
        elif blank_lines and value_shapes.looks_like_header(cells, self._layout.value_shapes):
            self._leave_table(Region.SECOND_TABLE, line)
        elif self._other_lines.is_total(cells, blank_lines, self._tally.blank):
            self._leave_table(Region.FOOTER, line)
        else:
            self._write_record(line, record)

    def _may_continue(self, record: RawRecord) -> bool:
        """Whether a record is short and ended by the LF that stands inside records here."""
        if not self._table.dialect.has_bare_line_feeds or not record.parsed.well_formed:
            return False
        ended = self._lines.line_end(record.line_count - 2)
        return record.line_count == 1 and len(record.parsed.cells) < self._width and ended == "\n"

    def _write_record(self, line: Line, record: RawRecord) -> None:
        """Write a record of the right width."""
        unwrapped = unwrap_single_quotes(record.parsed.cells, self._csv_format)
        if unwrapped is not None:
            self._write_repaired(line, record, unwrapped)
            return
        self._take(record)
        self._writer.write(record.parsed.cells, line.number)

    def _write_repaired(self, line: Line, record: RawRecord, repaired: RepairedRecord) -> None:
        self._take(record)
        self._writer.write_repaired(line, record.text, repaired)

    def _normalize(self, line: Line, record: RawRecord, blank_lines: int) -> None:
        """Account for a record that is malformed or not of the table's width."""
        parsed, csv_format, width = record.parsed, self._csv_format, self._width
        repaired = read_in_other_dialect(
            record.text, csv_format, width, parsed.cells if parsed.well_formed else None
        )
        if repaired is None and not parsed.well_formed:
            repaired = self._keep_stray_quotes(record.text)
        if repaired is not None:
            self._write_repaired(line, record, repaired)
            return
        cells = parsed.cells if parsed.well_formed else split_raw(record.text, csv_format)
        if self._other_lines.starts_second_table(cells, blank_lines):
            self._leave_table(Region.SECOND_TABLE, line)
        elif self._other_lines.starts_footer(cells, blank_lines, self._tally.blank):
            self._leave_table(Region.FOOTER, line)
        elif self._other_lines.is_group_title(cells):
            self._take(record)
            self._writer.reject(line, record.text, "group title between the rows")
        elif self._table.options.ragged == "reject":
            self._take(record)
            self._writer.reject(line, record.text, describe_width(len(cells), width))
        else:
            self._other_lines.note_width(len(cells))
            fitted = fit_to_width(cells, width, self._layout.value_shapes, csv_format.delimiter)
            self._write_repaired(line, record, fitted)

    def _keep_stray_quotes(self, text: str) -> RepairedRecord | None:
        """Read a malformed record with its stray quotes as text, None if no way fits the width."""
        for cells in (parse_lenient(text, self._csv_format), split_raw(text, self._csv_format)):
            if len(cells) == self._width:
                return RepairedRecord(cells, "stray quote", "kept as part of the text")
        return None

    def _leave_table(self, region: Region, line: Line) -> None:
        """Reject the line and all that follow."""
        self._region = region
        if region is Region.SECOND_TABLE:
            self._tally.second_table_line = line.number
        self._reject_outside(line)

    def _reject_outside(self, line: Line) -> None:
        if not line.text.strip():
            self._tally.blank += 1
            return
        self._tally.record_lines += 1
        reason = reject_reason(self._region, self._tally.second_table_line)
        self._writer.reject(line, line.text, reason)

    def _consume(self, record: RawRecord) -> None:
        """Read the lines of a record that follow the current one."""
        for _ in range(record.line_count - 1):
            self._lines.next()

    def _take(self, record: RawRecord) -> None:
        """Read and count all lines of a record."""
        self._consume(record)
        self._tally.record_lines += record.line_count
