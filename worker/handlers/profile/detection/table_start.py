"""Finds the first row of the table: its header, or its first record if it has none."""

from collections.abc import Sequence

from worker.handlers.profile.detection.header import count_filled, has_values
from worker.handlers.profile.detection.other_dialect import read_in_other_dialect
from worker.handlers.profile.detection.records import SampleRecord
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat

_ROWS_BELOW = 3


def reread_top(
    records: Sequence[SampleRecord], width: int, csv_format: CsvFormat
) -> list[SampleRecord]:
    """Read the row above the first one of ``width`` cells in another dialect, if that fits.

    A header is often written by another program than the records below it.
    """
    top = next((n for n, record in enumerate(records) if len(record.cells) == width), 0) - 1
    if top < 0:
        return list(records)
    record = records[top]
    other = read_in_other_dialect(record.text, csv_format, width, record.cells)
    if other is None or has_values(other.cells):
        return list(records)
    reread = SampleRecord(
        record.line, record.line_count, other.cells, record.text, well_formed=False
    )
    return [*records[:top], reread, *records[top + 1 :]]


def find_table_start(records: Sequence[SampleRecord], width: int) -> int:
    """Return the index of the table's first row; 0 if the lines above it cannot be told apart."""
    if width == 1:
        return 0
    for index, record in enumerate(records):
        below = [each.cells for each in records[index + 1 : index + 1 + _ROWS_BELOW]]
        if len(record.cells) == width:
            if _is_filled_row(record.cells, below, width):
                return index
        elif _is_ragged_header(record.cells, below, width):
            return index
    return 0


def _is_filled_row(cells: Sequence[Cell], below: Sequence[Sequence[Cell]], width: int) -> bool:
    """Whether a row has enough filled cells: a title padded with delimiters has fewer."""
    filled = count_filled(cells)
    if width == 2 or filled >= max(2, width // 3):
        return True
    return not any(count_filled(other) > 2 * filled for other in below)


def _is_ragged_header(cells: Sequence[Cell], below: Sequence[Sequence[Cell]], width: int) -> bool:
    """Whether a row is a header with a few names too many or too few."""
    nearly_wide = len(cells) >= 2 and abs(len(cells) - width) <= max(1, width // 10)
    if not below or not nearly_wide or len(below[0]) != width:
        return False
    alike = sum(len(other) == width for other in below)
    return 2 * alike > len(below) and not has_values(cells)
