"""Reads a file that is not plain, record by record, and writes one that the engine can load.

Every line is accounted for: it belongs to a record, written or rejected, or to the header, or is
blank, a comment, or a repeated header. Most lines are right and are passed on as they are; the
others are taken apart, repaired where what they mean is clear, and noted.
"""

from collections.abc import Callable
from pathlib import Path

from worker.handlers.profile.accounting.issues import Issue, IssueLog
from worker.handlers.profile.accounting.tally import Tally
from worker.handlers.profile.detection import value_shapes
from worker.handlers.profile.detection.dialect import Dialect
from worker.handlers.profile.detection.layout import Layout
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import (
    Cell,
    CsvFormat,
    format_record,
    parse,
    parse_lenient,
    split_raw,
)
from worker.handlers.profile.reading.lines import LineReader
from worker.handlers.profile.repair import lookahead, record

MENDED = "mended.tmp"
OVERFLOW, LINE = "_overflow", "_line"
_REPORT_LINES = 65536
_FLUSH_LINES = 4096


class RecordNormalizer:
    """One pass through a file."""

    def __init__(
        self,
        path: Path,
        skip: int,
        dialect: Dialect,
        layout: Layout,
        options: Options,
        rejects: IssueLog,
        repairs: IssueLog,
    ) -> None:
        """``skip`` bytes of byte-order mark stand in front."""
        self._lines = LineReader(path, skip)
        self._csv_format = dialect.csv_format
        self._plain = CsvFormat(dialect.csv_format.delimiter)
        self._comment = dialect.comment
        self._layout = layout
        self._options = options
        self._rejects = rejects
        self._repairs = repairs
        self._header = {tuple(cells) for cells in layout.header}
        self._out: list[bytes] = []
        self._gap = 0  # blank lines just above
        self._outside = ""  # what lines are that are not of the table
        self.tally = Tally()
        self.longest = 0  # bytes of the longest record that was taken apart

    def run(self, target: Path, size: int, report: Callable[[float], None]) -> Tally:
        """Write the mended file; ``report`` gets the share done, 0–1.

        Raises:
            BadInput: a line is longer than the 16 MiB a record may have.
        """
        lines, tally, csv_format = self._lines, self.tally, self._csv_format
        self._pass_above()
        delimiter = csv_format.delimiter.encode()
        quote = (csv_format.quote or "").encode() or None
        apostrophes = (delimiter + b"'", b"'")
        comment = self._comment.encode() if self._comment else None
        most = self._layout.width - 1
        headers = {format_record(cells, csv_format).encode() for cells in self._layout.header}
        easy = not csv_format.padded and not csv_format.escape and most > 0
        tail = delimiter * 2
        out = self._out
        try:
            with target.open("wb") as file:
                while (raw := lines.next()) is not None:
                    if (
                        easy
                        and raw.count(delimiter) == most
                        and b'"' not in raw
                        and (quote is None or quote not in raw)
                        and apostrophes[0] not in raw
                        and not raw.startswith(apostrophes[1])
                        and raw not in headers
                        and (comment is None or not raw.startswith(comment))
                        and not self._outside
                        and not self._gap
                    ):
                        out.append(b"%b%b%d\n" % (raw, tail, lines.number))
                        if len(raw) > self.longest:
                            self.longest = len(raw) + 32
                        tally.written += 1
                        tally.record_lines += 1
                    else:
                        self._take(raw)
                    if len(out) >= _FLUSH_LINES:
                        file.writelines(out)
                        out.clear()
                    if not lines.number % _REPORT_LINES:
                        report(min(1.0, lines.offset / size))
                file.writelines(out)
        finally:
            lines.close()
        tally.lines = lines.number
        return tally

    def _pass_above(self) -> None:
        """Go to the first record."""
        lines, skipped = self._lines, self._options.skip_lines or 0
        self._outside = "above the table, and unlike its records"
        for _ in range(self._layout.first - 1):
            raw = lines.next()
            if raw is not None and skipped < lines.number <= self._layout.rejected:
                self._take_outside(raw.decode("utf-8", "replace"), lines.number, lines.offset)
            elif raw is not None:
                self.tally.above += 1
        self._outside = ""

    def _take(self, raw: bytes) -> None:
        number, byte = self._lines.number, self._lines.offset
        line = raw.decode("utf-8", "replace")
        width = self._layout.width
        if self._outside:
            self._take_outside(line, number, byte)
            return
        if not line.strip() and (width > 1 or lookahead.only_blank(self._lines)):
            self.tally.blank += 1
            self._gap += 1
            return
        gap, self._gap = self._gap, 0
        csv_format = self._csv_format
        commented = self._comment is not None and line.startswith(self._comment)
        if commented and (len(split_raw(line, csv_format)) != width or width == 1):
            self.tally.comments += 1
            return
        text, span, parsed = line, 1, parse(line, csv_format)
        if parsed.unterminated:
            text, span, parsed = lookahead.assemble(self._lines, line, csv_format, width)
        cells = parsed.cells
        good = not parsed.unterminated and not parsed.malformed
        if good and tuple(cells) in self._header:
            self._skip(span - 1, repeated=True)
            return
        if good and len(cells) == width:
            if gap and value_shapes.like_names(cells, self._layout.shapes):
                self._begin_second(line, number, byte)
                return
            if self._is_last_gap(gap) and self._is_sum(cells):
                self._begin_footer(line, number, byte)
                return
            unwrapped = record.unwrap_other_quotes(cells, csv_format)
            if unwrapped:
                self._repair(number, byte, line, *unwrapped[1:])
                cells = unwrapped[0]
            self._skip(span - 1)
            self._write(cells, number)
            return
        self._mend(line, text, span, cells if good else None, number, byte, gap)

    def _skip(self, lines: int, *, repeated: bool = False) -> None:
        """Take the further lines of the record at hand; count all of it."""
        for _ in range(lines):
            self._lines.next()
        if repeated:
            self.tally.repeated_headers += lines + 1
        else:
            self.tally.record_lines += lines + 1

    def _mend(
        self,
        line: str,
        text: str,
        span: int,
        cells: list[Cell] | None,
        number: int,
        byte: int,
        gap: int,
    ) -> None:
        """A record that does not fit: find out what it means."""
        width, csv_format = self._layout.width, self._csv_format
        found = record.other_dialect(text, csv_format, width, cells)
        if found is None and cells is None and csv_format.quote:
            for read in (parse_lenient(text, csv_format), split_raw(line, csv_format)):
                if len(read) == width:
                    found = read, "a quote stands where none should", "it was taken as data"
                    break
            else:
                cells = split_raw(line, csv_format)
                text, span = line, 1
        if found is not None:
            self._skip(span - 1)
            self._repair(number, byte, text, *found[1:])
            self._write(found[0], number)
            return
        assert cells is not None
        if lookahead.is_another_table(self._lines, self._csv_format, len(cells), width, gap > 0):
            self._begin_second(line, number, byte)
            return
        below = self._is_last_gap(gap) and len(cells) < width
        alone = len(cells) == 1 and width > 2
        if (below or alone) and lookahead.is_footer(self._lines, csv_format, len(cells)):
            self._begin_footer(line, number, byte)
            return
        self._skip(span - 1)
        if self._options.ragged == "reject":
            words = "fewer" if len(cells) < width else "more"
            reason = f"{words} cells than there are columns ({len(cells):,} for {width:,})"
            self._reject(number, byte, text, reason)
            return
        fitted, overflow, reason, action = record.fit(
            cells, width, self._layout.shapes, csv_format.delimiter
        )
        self._repair(number, byte, text, reason, action)
        self._write(fitted, number, overflow)

    def _is_last_gap(self, gap: int) -> bool:
        """Whether the blank lines just above are the only ones: they set apart what comes."""
        return 0 < gap == self.tally.blank

    def _is_sum(self, cells: list[Cell]) -> bool:
        """Whether a last record lacks cells and has words where values stand."""
        lacking = not all(cells) and value_shapes.misplaced_words(cells, self._layout.shapes)
        return lacking and lookahead.is_footer(self._lines, self._csv_format, len(cells))

    def _begin_second(self, line: str, number: int, byte: int) -> None:
        self.tally.another = number
        self._outside = f"part of another table, which begins on line {number:,}"
        self._take_outside(line, number, byte)

    def _begin_footer(self, line: str, number: int, byte: int) -> None:
        self._outside = "a footer: below the table, and unlike its records"
        self._take_outside(line, number, byte)

    def _take_outside(self, line: str, number: int, byte: int) -> None:
        if not line.strip():
            self.tally.blank += 1
            return
        self.tally.record_lines += 1
        self._reject(number, byte, line, self._outside)

    def _write(self, cells: list[Cell], number: int, overflow: str | None = None) -> None:
        row = format_record([*cells, overflow], self._plain)
        written = f"{row}{self._plain.delimiter}{number}\n".encode("utf-8", "replace")
        self.longest = max(self.longest, len(written))
        self._out.append(written)
        self.tally.written += 1
        self.tally.overflowing += overflow is not None

    def _repair(self, line: int, byte: int, raw: str, reason: str, action: str) -> None:
        self._repairs.add(Issue(line, byte, "", reason, action, raw))

    def _reject(self, line: int, byte: int, raw: str, reason: str) -> None:
        self.tally.rejected += 1
        self._rejects.add(Issue(line, byte, "", reason, "rejected", raw))
