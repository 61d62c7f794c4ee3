"""The records of a sample, read in a given format."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from worker.handlers.profile.reading.csv_record import (
    Cell,
    CsvFormat,
    count_quotes,
    parse,
    split_raw,
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

    @property
    def next_line(self) -> int:
        """The number of the line after it."""
        return self.line + self.line_count


def read_records(
    lines: Sequence[str],
    csv_format: CsvFormat,
    comment: str | None,
    *,
    skipped_lines: int = 0,
    max_records: int = MAX_RECORDS,
) -> list[SampleRecord]:
    """Read the records of ``lines``, which follow ``skipped_lines`` other lines in the file.

    Blank lines and lines that start with ``comment`` are left out.
    """
    records: list[SampleRecord] = []
    index = 0
    while index < len(lines) and len(records) < max_records:
        line = lines[index]
        if not line.strip() or (comment and line.startswith(comment)):
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


def common_width(records: Sequence[SampleRecord]) -> int:
    """Return the number of cells that most records have, the larger one of equals."""
    counts = Counter(len(record.cells) for record in records)
    weights = {
        width: count * (1 if width > 1 else _SINGLE_CELL_WEIGHT) for width, count in counts.items()
    }
    return max(counts, key=lambda width: (weights[width], width))
