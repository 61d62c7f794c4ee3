"""What the lines to come say of the one at hand."""

from worker.handlers.profile.reading.csv_record import (
    CsvFormat,
    ParsedRecord,
    count_quotes,
    parse,
    split_raw,
)
from worker.handlers.profile.reading.lines import MAX_RECORD_BYTES, LineReader

# So many lines in a row that are whole records by themselves were not swallowed by a quote.
_WHOLE_LINES = 20
_MAX_LINES = 1_000_000  # of a record
_RECORDS = 8
_FOOTER_LINES = 20
_BLANK_LINES = 1000


def assemble(
    lines: LineReader, line: str, csv_format: CsvFormat, width: int
) -> tuple[str, int, ParsedRecord]:
    """Follow an open quote to its end; back to the line alone if there is no sensible one.

    Returns the text of the record, how many lines it takes, and its cells.
    """
    alone = parse(line, csv_format)
    text, span, whole = line, 1, 0
    size = len(line)
    parts = [line, lines.line_end(-1)]
    stray = width > 1 and len(split_raw(line, csv_format)) == width
    while True:
        raw = lines.peek(span - 1)
        if raw is None:
            return line, 1, alone
        following = raw.decode("utf-8", "replace")
        parts.append(following)
        end = lines.line_end(span - 1)
        span += 1
        size += len(following) + 1
        if size > MAX_RECORD_BYTES or span > _MAX_LINES:
            return line, 1, alone
        quotes = count_quotes(following, csv_format)
        if quotes % 2 == 0:  # whatever it closes it opens again
            right = not quotes and following.count(csv_format.delimiter) == width - 1
            whole = whole + 1 if right else 0
            if stray and whole >= _WHOLE_LINES:
                return line, 1, alone
            parts.append(end)
            continue
        text = "".join(parts)
        parsed = parse(text, csv_format)
        if parsed.unterminated:
            parts = [text, end]
            continue
        if parsed.malformed or len(parsed.cells) != width:
            if not parsed.malformed and not stray:
                return text, span, parsed
            return line, 1, alone
        return text, span, parsed


def only_blank(lines: LineReader) -> bool:
    """Whether only blank lines come: in a table of one column others are empty cells."""
    for number in range(_BLANK_LINES):
        line = lines.peek(number)
        if line is None:
            return True
        if line.strip():
            return False
    return False


def is_another_table(
    lines: LineReader, csv_format: CsvFormat, cells: int, width: int, after_blank: bool
) -> bool:
    """Whether the lines from here on agree with each other and not with the table.

    ``cells`` are those of the line at hand, ``width`` those of the table's records.
    """
    widths = _widths(lines, csv_format)
    if cells == 1 and after_blank and len(widths) > 1:  # the title of the other table
        cells = widths[0]
    if cells < 2 or cells == width or not widths:
        return False
    alike = sum(each == cells for each in widths)
    return alike >= min(2, len(widths)) and alike >= 0.8 * len(widths)


def is_footer(lines: LineReader, csv_format: CsvFormat, most: int) -> bool:
    """Whether no record comes any more: few lines, none of more than ``most`` cells."""
    for number in range(_FOOTER_LINES):
        raw = lines.peek(number)
        if raw is None:
            return True
        line = raw.decode("utf-8", "replace")
        if line.strip() and len(parse(line, csv_format).cells) > most:
            return False
    return False


def _widths(lines: LineReader, csv_format: CsvFormat) -> list[int]:
    """Cells of the lines to come, blank ones left out."""
    found: list[int] = []
    for number in range(3 * _RECORDS):
        raw = lines.peek(number)
        if raw is None or len(found) == _RECORDS:
            break
        if raw.strip():
            found.append(len(parse(raw.decode("utf-8", "replace"), csv_format).cells))
    return found
