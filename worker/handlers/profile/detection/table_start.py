"""Where the table begins: which of the first records are preamble, header and data.

The body is found first, from below: the columns' values say from where on every record fits them.
What stands above it is a header only as far as it looks like one. Everything else that has the
table's width is a record.

The idea of judging a line against the body below it is Christodoulakis et al., Pytheas (2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.detection.body_fit import BodyFit, Cells, cell_text, filled_cells
from worker.handlers.profile.detection.evidence import Evidence
from worker.handlers.profile.detection.header import has_values
from worker.handlers.profile.detection.header_rows import (
    are_names,
    are_years,
    first_names,
    groups_above_years,
    header_of_words,
    last_complete,
    more_header_rows,
    names_beside_values,
)
from worker.handlers.profile.detection.other_dialect import read_in_other_dialect
from worker.handlers.profile.detection.records import SampleRecord
from worker.handlers.profile.detection.value_shapes import DATA_SHAPES, value_shape
from worker.handlers.profile.reading.csv_record import CsvFormat

# So many records that fit no column are lines above the table rather than data.
_MIN_METADATA = 3
_MIN_BODY = 3


@dataclass(frozen=True, slots=True)
class TableTop:
    """``start`` is the first record of the table, whose first ``header_rows`` records are names."""

    start: int
    header_rows: int
    evidence: Evidence


def reread_top(
    records: Sequence[SampleRecord], width: int, csv_format: CsvFormat
) -> list[SampleRecord]:
    """Read the row above the first one of ``width`` cells in another dialect, if that fits.

    A header is often written by another program than the records below it.
    """
    top = next((n for n, record in enumerate(records) if len(record.cells) == width), 0) - 1
    if top < 0 or not has_values(records[top + 1].cells):
        return list(records)
    record = records[top]
    other = read_in_other_dialect(record.text, csv_format, width, record.cells)
    if other is None or has_values(other.cells):
        return list(records)
    reread = SampleRecord(
        record.line, record.line_count, other.cells, record.text, well_formed=False
    )
    return [*records[:top], reread, *records[top + 1 :]]


def find_top(records: Sequence[Cells], width: int) -> TableTop:
    """Judge the first records of a table of ``width`` columns; at least one is given."""
    start = first_wide(records, width)
    table = records[start:]
    fitting = BodyFit(table, width)
    if not fitting.typed:
        rows, why, confidence = header_of_words(table, width)
        return TableTop(start, rows, Evidence(why, confidence))
    groups = groups_above_years(table, fitting)
    if groups:
        return TableTop(
            start, groups, Evidence("Groups above years or codes as column names", 0.85)
        )
    if are_years(table[0], fitting):
        return TableTop(start, 1, Evidence("First row has years or codes as column names", 0.9))
    body = fitting.first_body()
    if body == 0:
        if names_beside_values(table[0], fitting):
            why = "First row has names above most columns of values"
            return TableTop(start, 1 + more_header_rows(table, 1, 1, fitting), Evidence(why, 0.85))
        return TableTop(
            start, 0, Evidence("First row looks like data, so there is no header", 0.95)
        )
    return _above_body(table, start, body, fitting)


def first_wide(records: Sequence[Cells], width: int) -> int:
    """Index of the first record that is as wide as the table, or a header a little off."""
    if width == 1:
        return 0
    for index, cells in enumerate(records):
        below = records[index + 1 : index + 4]
        if len(cells) >= width:
            enough = filled_cells(cells) >= max(2, width // 3) or width == 2
            fuller = any(filled_cells(other) > 2 * filled_cells(cells) for other in below)
            if enough or not fuller or _is_group_row(cells, below, width):
                return index
            continue
        near = len(cells) >= 2 and width - len(cells) <= max(1, width // 10)
        wide = sum(len(other) >= width for other in below)
        words = not any(value_shape(cell) in DATA_SHAPES for cell in cells)
        if near and words and 2 * wide > len(below) > 0 and len(below[0]) >= width:
            return index
    return 0


def _is_group_row(cells: Cells, below: Sequence[Cells], width: int) -> bool:
    """Whether names of groups stand over some of the names in the next row."""
    if not below or len(below[0]) < width or filled_cells(cells) < 2:
        return False
    words = all(value_shape(cell) in ("words", "text", "empty") for cell in cells)
    return words and not cell_text(cells[0]) and filled_cells(below[0]) >= width - 1


def _above_body(table: Sequence[Cells], start: int, body: int, fitting: BodyFit) -> TableTop:
    """Judge the records above the first that looks like data."""
    names = first_names(table[:body], fitting)
    if names is None:
        filled = sum(filled_cells(cells) > 0 for cells in table[:body])
        above = filled >= _MIN_METADATA and len(table) - body >= _MIN_BODY
        why = "The lines above the first values do not name the columns"
        return TableTop(start + (body if above else 0), 0, Evidence(why, 0.6))
    complete = last_complete(table[names:body], fitting.width)
    if complete and filled_cells(table[names]) < fitting.width:
        why = "The row above the first values names every column"
        return TableTop(start + names + complete, 1, Evidence(why, 0.85))
    evident = 1 + more_header_rows(table[:body], names, names + 1, fitting)
    unlike = sum(fitting.is_unlike(cells) for cells in table[names + evident : body])
    if unlike >= _MIN_METADATA and names == 0:
        # Too many for records without a value: they are lines above the table.
        closest = table[body - 1]
        if are_names(closest, fitting.width) and len(table) - body >= _MIN_BODY:
            return TableTop(
                start + body - 1, 1, Evidence("The row above the first values has names", 0.75)
            )
        return TableTop(
            start + body, 0, Evidence("Metadata stands above the values, no names", 0.7)
        )
    typed = len(fitting.typed)
    columns = f"{counted(typed, 'column')} {'has a name' if typed == 1 else 'have names'}"
    return TableTop(start + names, evident, Evidence(f"{columns} above and values below", 0.98))
