"""Reads a file that is not plain, record by record, and writes one that the engine can load.

Every line is accounted for: it belongs to a record, written or rejected, or to the header, or is
blank, a comment, or a repeated header. Most lines are right and are passed on as they are; the
others are taken apart, repaired where what they mean is clear, and noted.
"""

from collections.abc import Callable
from pathlib import Path

from worker.handlers.profile import ahead, repair
from worker.handlers.profile.cells import (
    Cell,
    Marks,
    Parsed,
    count_quotes,
    forgive,
    literal,
    parse,
    write,
)
from worker.handlers.profile.dialect import Dialect
from worker.handlers.profile.layout import Layout
from worker.handlers.profile.lines import MAX_RECORD_BYTES, Lines
from worker.handlers.profile.options import Options
from worker.handlers.profile.problems import Problem, Problems
from worker.handlers.profile.shapes import VALUES, shape
from worker.handlers.profile.tally import Tally

MENDED = "mended.tmp"
OVERFLOW, LINE = "_overflow", "_line"
_REPORT_LINES = 65536
_FLUSH_LINES = 4096
# So many lines in a row that are whole records by themselves were not swallowed by a quote.
_WHOLE_LINES = 20
_MOST_LINES = 1_000_000  # of a record


class Mender:
    """One pass through a file."""

    def __init__(
        self,
        path: Path,
        skip: int,
        dialect: Dialect,
        layout: Layout,
        options: Options,
        rejects: Problems,
        repairs: Problems,
    ) -> None:
        """``skip`` bytes of byte-order mark stand in front."""
        self._lines = Lines(path, skip)
        self._marks = dialect.marks
        self._plain = Marks(dialect.marks.delimiter)
        self._comment = dialect.comment
        self._layout = layout
        self._options = options
        self._rejects = rejects
        self._repairs = repairs
        self._header = {tuple(cells) for cells in layout.header}
        self._out: list[bytes] = []
        self._after_blank = False
        self.tally = Tally()
        self.longest = 0  # bytes of the longest record that was taken apart

    def run(self, target: Path, size: int, report: Callable[[float], None]) -> Tally:
        """Write the mended file; ``report`` gets the share done, 0–1.

        Raises:
            BadInput: a line is longer than the 16 MiB a record may have.
        """
        lines, tally, marks = self._lines, self.tally, self._marks
        for _ in range(self._layout.first - 1):
            if lines.next() is not None:
                tally.above += 1
        delimiter = marks.delimiter.encode()
        quote = (marks.quote or "").encode() or None
        apostrophes = (delimiter + b"'", b"'")
        comment = self._comment.encode() if self._comment else None
        most = self._layout.width - 1
        headers = {write(cells, marks).encode() for cells in self._layout.header}
        easy = not marks.padded and not marks.escape and most > 0
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
                        and tally.another is None
                        and not self._after_blank
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
                        report(min(1.0, lines.byte / size))
                file.writelines(out)
        finally:
            lines.close()
        tally.lines = lines.number
        return tally

    def _take(self, raw: bytes) -> None:
        number, byte = self._lines.number, self._lines.byte
        line = raw.decode("utf-8", "replace")
        width = self._layout.width
        if self.tally.another is not None:
            self._take_second(line, number, byte)
            return
        if not line.strip() and (width > 1 or ahead.only_blank(self._lines)):
            self.tally.blank += 1
            self._after_blank = True
            return
        after_blank, self._after_blank = self._after_blank, False
        marks = self._marks
        commented = self._comment is not None and line.startswith(self._comment)
        if commented and (len(literal(line, marks)) != width or width == 1):
            self.tally.comments += 1
            return
        text, span, parsed = line, 1, parse(line, marks)
        if parsed.open:
            text, span, parsed = self._assemble(line)
        cells = parsed.cells
        good = not parsed.open and not parsed.odd
        if good and tuple(cells) in self._header:
            self._skip(span - 1, repeated=True)
            return
        if good and len(cells) == width:
            if after_blank and self._is_header_of_another(cells):
                self._begin_second(line, number, byte)
                return
            unwrapped = repair.unwrap_other_quotes(cells, marks)
            if unwrapped:
                self._repair(number, byte, line, *unwrapped[1:])
                cells = unwrapped[0]
            self._skip(span - 1)
            self._write(cells, number)
            return
        self._mend(line, text, span, cells if good else None, number, byte, after_blank)

    def _skip(self, lines: int, *, repeated: bool = False) -> None:
        """Take the further lines of the record at hand; count all of it."""
        for _ in range(lines):
            self._lines.next()
        if repeated:
            self.tally.repeated_headers += lines + 1
        else:
            self.tally.record_lines += lines + 1

    def _assemble(self, line: str) -> tuple[str, int, Parsed]:
        """Follow an open quote to its end; back to the line alone if there is no sensible one."""
        marks, width = self._marks, self._layout.width
        alone = parse(line, marks)
        text, span, whole = line, 1, 0
        size = len(line)
        parts = [line, self._lines.end(-1)]
        stray = width > 1 and len(literal(line, marks)) == width
        while True:
            raw = self._lines.peek(span - 1)
            if raw is None:
                return line, 1, alone
            following = raw.decode("utf-8", "replace")
            parts.append(following)
            end = self._lines.end(span - 1)
            span += 1
            size += len(following) + 1
            if size > MAX_RECORD_BYTES or span > _MOST_LINES:
                return line, 1, alone
            quotes = count_quotes(following, marks)
            if quotes % 2 == 0:  # whatever it closes it opens again
                right = not quotes and following.count(marks.delimiter) == width - 1
                whole = whole + 1 if right else 0
                if stray and whole >= _WHOLE_LINES:
                    return line, 1, alone
                parts.append(end)
                continue
            text = "".join(parts)
            parsed = parse(text, marks)
            if parsed.open:
                parts = [text, end]
                continue
            if parsed.odd or len(parsed.cells) != width:
                if not parsed.odd and not stray:
                    return text, span, parsed
                return line, 1, alone
            return text, span, parsed

    def _mend(
        self,
        line: str,
        text: str,
        span: int,
        cells: list[Cell] | None,
        number: int,
        byte: int,
        after_blank: bool,
    ) -> None:
        """A record that does not fit: find out what it means."""
        width, marks = self._layout.width, self._marks
        found = repair.other_dialect(text, marks, width, cells)
        if found is None and cells is None and marks.quote:
            for read in (forgive(text, marks), literal(line, marks)):
                if len(read) == width:
                    found = read, "a quote stands where none should", "it was taken as data"
                    break
            else:
                cells = literal(line, marks)
                text, span = line, 1
        if found is not None:
            self._skip(span - 1)
            self._repair(number, byte, text, *found[1:])
            self._write(found[0], number)
            return
        assert cells is not None
        if ahead.is_another_table(self._lines, self._marks, len(cells), width, after_blank):
            self._begin_second(line, number, byte)
            return
        if len(cells) == 1 and width > 2 and ahead.is_footer(self._lines, self._marks):
            self._skip(span - 1)
            self._reject(number, byte, text, "a footer: a single cell below the table")
            return
        self._skip(span - 1)
        if self._options.ragged == "reject":
            words = "fewer" if len(cells) < width else "more"
            reason = f"{words} cells than there are columns ({len(cells):,} for {width:,})"
            self._reject(number, byte, text, reason)
            return
        fitted, overflow, reason, action = repair.fit(
            cells, width, self._layout.shapes, marks.delimiter
        )
        self._repair(number, byte, text, reason, action)
        self._write(fitted, number, overflow)

    def _is_header_of_another(self, cells: list[Cell]) -> bool:
        typed = [i for i, kind in enumerate(self._layout.shapes) if kind in VALUES]
        return bool(typed) and all(shape(cell) == "words" for cell in cells)

    def _begin_second(self, line: str, number: int, byte: int) -> None:
        self.tally.another = number
        self._take_second(line, number, byte)

    def _take_second(self, line: str, number: int, byte: int) -> None:
        if not line.strip():
            self.tally.blank += 1
            return
        self.tally.record_lines += 1
        reason = f"part of another table, which begins on line {self.tally.another:,}"
        self._reject(number, byte, line, reason)

    def _write(self, cells: list[Cell], number: int, overflow: str | None = None) -> None:
        row = write([*cells, overflow], self._plain)
        written = f"{row}{self._plain.delimiter}{number}\n".encode("utf-8", "replace")
        self.longest = max(self.longest, len(written))
        self._out.append(written)
        self.tally.written += 1
        self.tally.overflowing += overflow is not None

    def _repair(self, line: int, byte: int, raw: str, reason: str, action: str) -> None:
        self._repairs.add(Problem(line, byte, "", reason, action, raw))

    def _reject(self, line: int, byte: int, raw: str, reason: str) -> None:
        self.tally.rejected += 1
        self._rejects.add(Problem(line, byte, "", reason, "rejected", raw))
