"""Looks at the lines that follow, to decide what the current line is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from worker.handlers.profile.reading.csv_record import (
    CsvFormat,
    ParsedRecord,
    count_quotes,
    parse,
    split_raw,
)
from worker.handlers.profile.reading.lines import MAX_RECORD_BYTES, LineReader

# So many complete records in a row cannot be the text of one quoted cell.
_ENOUGH_COMPLETE_LINES = 20
_MAX_RECORD_LINES = 1_000_000
_FOLLOWING_RECORDS = 8
_MAX_FOOTER_LINES = 20
_MAX_BLANK_LINES = 1000
_MAX_BARE_LINE_FEEDS = 100
_TOTAL = re.compile(
    r"(grand |sub-?|over-?all |report |account )?\W*"
    r"(totals?|totaux|totale?s?|totaal|summe|gesamt\w*|insgesamt|sum|suma|somme|итого|всего|合計|总计|總計)\b"
    r"|\w+ total$",
    re.IGNORECASE,
)
# A line whose first cell may name a total, told by its first word: quick, and never too strict.
TOTAL_LINE = re.compile(
    rb"\W{0,3}(?:grand|sub|over|report|account|tota|summe|gesamt|insgesamt|sum|suma|somme"
    rb"|\xd0\xb8\xd1\x82|\xd0\xb2\xd1\x81|\xe5\x90\x88|\xe6\x80\xbb|\xe7\xb8\xbd|\w+ total)",
    re.IGNORECASE,
)
_ROW_COUNT = re.compile(r"\(?\d+ rows?(?:\(s\))?(?: affected| selected)?\)?\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The text of a record as it is in the file, how many lines it spans, and its cells."""

    text: str
    line_count: int
    parsed: ParsedRecord


def read_record(lines: LineReader, line: str, csv_format: CsvFormat, width: int) -> RawRecord:
    """Return the record that starts with the current ``line`` of the reader.

    If the line ends inside a quote, the record continues to the closing one, but only if that
    makes a record of ``width`` cells, or the line by itself makes none.
    """
    alone = RawRecord(line, 1, parse(line, csv_format))
    if not alone.parsed.unterminated:
        return alone
    quote_may_be_text = width > 1 and len(split_raw(line, csv_format)) == width
    max_complete_lines = _ENOUGH_COMPLETE_LINES if quote_may_be_text else _MAX_RECORD_LINES
    parts = [line, lines.line_end(-1)]
    complete_lines = 0
    for distance, (following, line_end) in enumerate(_continuation(lines, len(line))):
        parts.append(following)
        quotes = count_quotes(following, csv_format)
        if quotes % 2:
            text = "".join(parts)
            record = RawRecord(text, distance + 2, parse(text, csv_format))
            if not record.parsed.unterminated:
                right_width = len(record.parsed.cells) == width or not quote_may_be_text
                return record if record.parsed.well_formed and right_width else alone
            parts = [text]
        else:  # an even number of quotes reopens the cell that it closes
            is_complete = not quotes and following.count(csv_format.delimiter) == width - 1
            complete_lines = complete_lines + 1 if is_complete else 0
            if complete_lines >= max_complete_lines:
                return alone
        parts.append(line_end)
    return alone


def join_bare_line_feeds(
    lines: LineReader, record: RawRecord, csv_format: CsvFormat, width: int
) -> RawRecord:
    """Return a short record with the lines after it, if a CRLF then ends one of ``width`` cells."""
    text = record.text
    for distance in range(_MAX_BARE_LINE_FEEDS):
        following = _peek(lines, distance)
        if following is None:
            break
        text += "\n" + following
        parsed = parse(text, csv_format)
        if not parsed.well_formed or len(parsed.cells) > width:
            break
        if lines.line_end(distance) != "\n":
            return RawRecord(text, distance + 2, parsed) if len(parsed.cells) == width else record
    return record


def _continuation(lines: LineReader, size: int) -> Iterator[tuple[str, str]]:
    """Yield the following lines and their line ends, as far as a record of ``size`` may grow."""
    for distance in range(_MAX_RECORD_LINES - 1):
        following = _peek(lines, distance)
        if following is None:
            return
        size += len(following) + 1
        if size > MAX_RECORD_BYTES:
            return
        yield following, lines.line_end(distance)


def _peek(lines: LineReader, distance: int) -> str | None:
    raw = lines.peek(distance)
    return None if raw is None else raw.decode("utf-8", "replace")


def only_blank_lines_follow(lines: LineReader) -> bool:
    """Whether only blank lines follow: above other lines, one is an empty cell of one column."""
    for distance in range(_MAX_BLANK_LINES):
        raw = lines.peek(distance)
        if raw is None:
            return True
        if raw.strip():
            return False
    return False


def starts_second_table(
    lines: LineReader, csv_format: CsvFormat, cells: int, width: int, *, after_blank: bool
) -> bool:
    """Whether the lines from the current one on agree on another width than the table has.

    ``cells`` are those of the current line, ``width`` those of the table's records.
    """
    widths = _following_widths(lines, csv_format)
    is_title = cells == 1 and after_blank and len(widths) > 1
    if is_title:
        cells = widths[0]
    if cells < 2 or cells == width or not widths:
        return False
    alike = sum(each == cells for each in widths)
    return alike >= min(2, len(widths)) and alike >= 0.8 * len(widths)


def _following_widths(lines: LineReader, csv_format: CsvFormat) -> list[int]:
    """Return how many cells each of the next non-blank lines has."""
    widths: list[int] = []
    for distance in range(3 * _FOLLOWING_RECORDS):
        line = _peek(lines, distance)
        if line is None or len(widths) == _FOLLOWING_RECORDS:
            break
        if line.strip():
            widths.append(len(parse(line, csv_format).cells))
    return widths


def only_footer_follows(lines: LineReader, csv_format: CsvFormat, max_cells: int) -> bool:
    """Whether the file ends after a few lines of which none has more than ``max_cells`` cells."""
    for distance in range(_MAX_FOOTER_LINES):
        line = _peek(lines, distance)
        if line is None:
            return True
        if line.strip() and len(parse(line, csv_format).cells) > max_cells:
            return False
    return False


def names_total(label: str) -> bool:
    """Whether the first cell of a row calls it a total."""
    return bool(_TOTAL.match(label.strip()))


def counts_rows(line: str) -> bool:
    """Whether a line is the count of rows that a database prints below a table."""
    return bool(_ROW_COUNT.fullmatch(line.strip()))


def only_totals_follow(lines: LineReader, csv_format: CsvFormat) -> bool:
    """Whether the file ends here, or after a few more lines of totals, remarks and blanks."""
    for distance in range(_MAX_FOOTER_LINES):
        line = _peek(lines, distance)
        if line is None:
            return True
        cells = [cell for cell in parse(line, csv_format).cells if cell and cell.strip()]
        if len(cells) > 1 and not names_total(cells[0]):
            return False
    return False
