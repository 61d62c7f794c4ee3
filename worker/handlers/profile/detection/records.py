"""The records of a sample, read in a given format."""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from worker.handlers.profile.detection.value_shapes import DATA_SHAPES, value_shape
from worker.handlers.profile.reading.csv_record import (
    Cell,
    CsvFormat,
    count_quotes,
    parse,
    split_raw,
    trim_trailing,
)

MAX_RECORDS = 2000
# The lines of the sample that one record may span.
_MAX_LINES = 1000
# A line of one cell is often a title or a remark, not a record of the table.
_SINGLE_CELL_WEIGHT = 0.34


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """``line`` is the number of its first line, ``line_count`` how many lines it spans.

    ``well_formed``: it could be parsed in the file's format. If not, ``cells`` are those of its
    first line with the quotes taken as text.
    """

    line: int
    line_count: int
    cells: list[Cell]
    text: str
    well_formed: bool = True

    def trimmed(self, width: int) -> "SampleRecord":
        """Return it without the empty cells that delimiters after the last column make."""
        return replace(self, cells=trim_trailing(self.cells, width))

    @property
    def next_line(self) -> int:
        """The number of the line after it."""
        return self.line + self.line_count


def read_records(
    lines: Sequence[str],
    csv_format: CsvFormat,
    skipped: Container[int],
    *,
    skipped_lines: int = 0,
    max_records: int = MAX_RECORDS,
) -> list[SampleRecord]:
    """Read the records of ``lines``, which follow ``skipped_lines`` other lines in the file.

    Blank lines and those whose indexes are in ``skipped`` are left out.
    """
    records: list[SampleRecord] = []
    index = 0
    while index < len(lines) and len(records) < max_records:
        line = lines[index]
        if not line.strip() or index in skipped:
            index += 1
            continue
        record = _read_record(lines, index, csv_format, skipped_lines + index + 1)
        records.append(record)
        index += record.line_count
    return records


def _read_record(
    lines: Sequence[str], index: int, csv_format: CsvFormat, number: int
) -> SampleRecord:
    line = lines[index]
    text, line_count, parsed = line, 1, parse(line, csv_format)
    furthest = min(_MAX_LINES, len(lines) - index)
    while parsed.unterminated and line_count < furthest:
        following = lines[index + line_count]
        text += "\n" + following
        line_count += 1
        # An even number of quotes reopens the cell that it closes.
        if count_quotes(following, csv_format) % 2:
            parsed = parse(text, csv_format)
    if parsed.well_formed:
        return SampleRecord(number, line_count, parsed.cells, text)
    return SampleRecord(number, 1, split_raw(line, csv_format), line, well_formed=False)


def table_width(records: Sequence[SampleRecord]) -> int:
    """Return how many columns the table has, as most records and its first row say."""
    counts = Counter(len(record.cells) for record in records)
    weights = {
        width: count * (1 if width > 1 else _SINGLE_CELL_WEIGHT) for width, count in counts.items()
    }
    usual = max(counts, key=lambda width: (weights[width], width))
    first = records[0].cells
    widest = len(first) == max(counts) > usual and counts[len(first)] > 1
    words = all(cell and cell.strip() and value_shape(cell) not in DATA_SHAPES for cell in first)
    if widest and words:
        return len(first)  # the shorter records lack their last cells
    return _without_trailing_delimiters(records, usual)


def _without_trailing_delimiters(records: Sequence[SampleRecord], width: int) -> int:
    """Leave out columns at the end that have neither a name nor a value in any record."""
    used = 1
    for record in records:
        for index in range(len(record.cells) - 1, used - 1, -1):
            cell = record.cells[index]
            if cell is not None and (not cell or cell.strip()):
                used = index + 1
                break
    return min(width, used)
