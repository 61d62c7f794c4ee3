"""Where the table begins: which of the first records are preamble, header and data.

The body is found first, from below: the columns' values say from where on every record fits them.
What stands above it is a header only as far as it looks like one. A second header row needs
positive evidence: units, types or ways of processing below the names, groups above them, or the
name of an index alone. Everything else that has the table's width is a record.

The idea of judging a line against the body below it is Christodoulakis et al., Pytheas (2020).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.detection.evidence import Evidence
from worker.handlers.profile.detection.header import has_values
from worker.handlers.profile.detection.other_dialect import read_in_other_dialect
from worker.handlers.profile.detection.records import SampleRecord
from worker.handlers.profile.detection.units import is_unit
from worker.handlers.profile.detection.value_shapes import (
    DATA_SHAPES,
    NULL_WORDS,
    column_shapes,
    value_shape,
)
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat

MAX_HEADER_ROWS = 5
_MAX_NAME = 2000
_JUDGED = 300
# So many records that fit no column are lines above the table rather than data.
_MIN_METADATA = 3
_MIN_BODY = 3
_YEARS = range(1800, 2101)

Cells = Sequence[Cell]


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


def find_top(records: Sequence[Cells], width: int) -> TableTop:
    """Judge the first records of a table of ``width`` columns; at least one is given."""
    start = first_wide(records, width)
    table = records[start:]
    fitting = _Fitting(table, width)
    if not fitting.typed:
        rows, why, confidence = _header_of_words(table, width)
        return TableTop(start, rows, Evidence(why, confidence))
    groups = _groups_above_years(table, fitting)
    if groups:
        return TableTop(
            start, groups, Evidence("Groups above years or codes as column names", 0.85)
        )
    if _is_year_header(table[0], fitting):
        return TableTop(start, 1, Evidence("First row has years or codes as column names", 0.9))
    body = fitting.first_body()
    if body == 0:
        if _names_beside_values(table[0], fitting):
            why = "First row has names above most columns of values"
            return TableTop(start, 1 + _more_rows(table, 1, 1, fitting), Evidence(why, 0.85))
        return TableTop(
            start, 0, Evidence("First row looks like data, so there is no header", 0.95)
        )
    return _above_body(table, start, body, fitting)


class _Fitting:
    """How the records of a table fit the values that its columns hold."""

    def __init__(self, table: Sequence[Cells], width: int) -> None:
        self.table = table
        self.width = width
        whole = [cells for cells in table[:_JUDGED] if len(cells) >= width]
        first = _stripped(table[0])
        rest = [cells for cells in whole[1:] if _stripped(cells) != first]
        # The lower part is body, whatever stands at the top.
        lower = rest[len(rest) // 3 :] or rest
        self.shapes = column_shapes([cells[:width] for cells in lower], width)
        self.typed = [index for index, kind in enumerate(self.shapes) if kind in DATA_SHAPES]
        self.usual = [
            Counter(_look(cells[n]) for cells in lower).most_common(1)[0][0] if lower else ""
            for n in range(width)
        ]

    def misfits(self, cells: Cells) -> int:
        """Typed columns in which a record has something that is not such a value."""
        return sum(
            index < len(cells) and not fits(cells[index], self.shapes[index])
            for index in self.typed
        )

    def filled(self, cells: Cells) -> int:
        """Typed columns in which a record has something."""
        return sum(index < len(cells) and _text(cells[index]) != "" for index in self.typed)

    def is_unlike(self, cells: Cells) -> bool:
        """Whether a record has something, and in no column what the records below it have."""
        filled = [n for n in range(min(len(cells), self.width)) if _text(cells[n])]
        return bool(filled) and all(_look(cells[n]) != self.usual[n] for n in filled)

    def is_body(self, cells: Cells) -> bool:
        """Whether a record looks like those below: most of its typed cells are values."""
        filled = self.filled(cells)
        if len(cells) < self.width and not filled:
            return False
        return filled > 0 and 2 * self.misfits(cells) < filled

    def first_body(self) -> int:
        """Index of the first record that looks like data and is followed by more of it."""
        for index, cells in enumerate(self.table):
            below = self.table[index + 1 : index + 4]
            enough = 2 * sum(map(self.is_body, below)) >= len(below)
            if self.is_body(cells) and enough:
                return index
        return 0


def fits(cell: Cell, kind: str | None) -> bool:
    """Whether a cell is a value of the column's shape, or none."""
    found = value_shape(cell)
    if found in ("empty", "null") or found == kind:
        return True
    return found == "integer" and kind == "number"


def _text(cell: Cell) -> str:
    return cell.strip() if cell else ""


def _look(cell: Cell) -> str:
    """What a cell looks like: its shape, or a code if it has no letters."""
    shape = value_shape(cell)
    is_code = shape in ("words", "text") and not any(map(str.isalpha, _text(cell)))
    return "code" if is_code else shape


def _stripped(cells: Cells) -> tuple[str, ...]:
    return tuple(map(_text, cells))


def first_wide(records: Sequence[Cells], width: int) -> int:
    """Index of the first record that is as wide as the table, or a header a little off."""
    if width == 1:
        return 0
    for index, cells in enumerate(records):
        below = records[index + 1 : index + 4]
        if len(cells) >= width:
            enough = _count_filled(cells) >= max(2, width // 3) or width == 2
            fuller = any(_count_filled(other) > 2 * _count_filled(cells) for other in below)
            if enough or not fuller or _is_group_row(cells, below, width):
                return index
            continue
        near = len(cells) >= 2 and width - len(cells) <= max(1, width // 10)
        wide = sum(len(other) >= width for other in below)
        words = not any(value_shape(cell) in DATA_SHAPES for cell in cells)
        if near and words and 2 * wide > len(below) > 0 and len(below[0]) >= width:
            return index
    return 0


def _count_filled(cells: Cells) -> int:
    return sum(_text(cell) != "" for cell in cells)


def _is_group_row(cells: Cells, below: Sequence[Cells], width: int) -> bool:
    """Whether names of groups stand over some of the names in the next row."""
    if not below or len(below[0]) < width or _count_filled(cells) < 2:
        return False
    words = all(value_shape(cell) in ("words", "text", "empty") for cell in cells)
    return words and not _text(cells[0]) and _count_filled(below[0]) >= width - 1


def _above_body(table: Sequence[Cells], start: int, body: int, fitting: _Fitting) -> TableTop:
    """Judge the records above the first that looks like data."""
    names = _first_names(table[:body], fitting)
    if names is None:
        filled = sum(_count_filled(cells) > 0 for cells in table[:body])
        above = filled >= _MIN_METADATA and len(table) - body >= _MIN_BODY
        why = "The lines above the first values do not name the columns"
        return TableTop(start + (body if above else 0), 0, Evidence(why, 0.6))
    complete = _last_complete(table[names:body], fitting.width)
    if complete and _count_filled(table[names]) < fitting.width:
        why = "The row above the first values names every column"
        return TableTop(start + names + complete, 1, Evidence(why, 0.85))
    evident = 1 + _more_rows(table[:body], names, names + 1, fitting)
    unlike = sum(fitting.is_unlike(cells) for cells in table[names + evident : body])
    if unlike >= _MIN_METADATA and names == 0:
        # Too many for records without a value: they are lines above the table.
        closest = table[body - 1]
        if _is_names(closest, fitting.width) and len(table) - body >= _MIN_BODY:
            return TableTop(
                start + body - 1, 1, Evidence("The row above the first values has names", 0.75)
            )
        return TableTop(
            start + body, 0, Evidence("Metadata stands above the values, no names", 0.7)
        )
    typed = len(fitting.typed)
    columns = f"{counted(typed, 'column')} {'has a name' if typed == 1 else 'have names'}"
    return TableTop(start + names, evident, Evidence(f"{columns} above and values below", 0.98))


def _last_complete(above: Sequence[Cells], width: int) -> int:
    """Index of the last record that names every column, if it is not the first.

    0 where it belongs to the first: as its units, or as names below groups.
    """
    if _is_groups(above, 0, width) or _is_units(above[-1]):
        return 0
    last = len(above) - 1
    named = last > 0 and _count_filled(above[last]) >= width and _is_names(above[last], width)
    return last if named else 0


def _first_names(above: Sequence[Cells], fitting: _Fitting) -> int | None:
    """Index of the record that begins the header; a group row counts as part of it."""
    width = fitting.width
    for index, cells in enumerate(above):
        if _is_names(cells, width) or _is_groups(above, index, width):
            return index
    return None


def _is_names(cells: Cells, width: int) -> bool:
    """Whether a record could name the columns: nearly all filled, short, and no values."""
    texts = [text for cell in cells[:width] if (text := _text(cell))]
    missing = width - len(texts)
    allowed = (max(1, width // 4) if width > 2 else 0) + (not _text(cells[0]))
    if missing > allowed or not texts:
        return False
    words = sum(value_shape(text) not in DATA_SHAPES for text in texts)
    nulls = sum(text.lower() in NULL_WORDS for text in texts)
    return 2 * words > len(texts) and nulls < len(texts) and max(map(len, texts)) <= _MAX_NAME


def _is_groups(above: Sequence[Cells], index: int, width: int) -> bool:
    """Whether a record has names of groups, over a row that names the columns."""
    if index + 1 >= len(above):
        return False
    texts = [text for cell in above[index] if (text := _text(cell))]
    if not texts or any(value_shape(text) in DATA_SHAPES and not _is_year(text) for text in texts):
        return False
    row, below = _stripped(above[index])[:width], _stripped(above[index + 1])[:width]
    gaps = [place for place in range(len(row)) if not row[place]]
    over_names = all(place < len(below) and below[place] for place in gaps if place)
    repeated = len(set(texts)) < len(texts)
    if not over_names or not (repeated or (gaps and (gaps[0] == 0 or len(gaps) > 1))):
        return False
    return _is_names(below, width) or _count_filled(below) >= width - 1


def _is_units(cells: Cells) -> bool:
    filled = [text for cell in cells if (text := _text(cell))]
    return bool(filled) and sum(map(is_unit, filled)) >= 0.6 * len(filled)


def _more_rows(table: Sequence[Cells], names: int, next_row: int, fitting: _Fitting) -> int:
    """How many records from ``next_row`` on belong to the header that begins at ``names``."""
    rows = 0
    first = table[names - 1] if names and next_row == names else table[names]
    grouped = _is_groups(table, names, fitting.width)
    for cells in table[next_row : next_row + MAX_HEADER_ROWS - 1]:
        same = _stripped(cells) == _stripped(first)
        filled = [text for cell in cells if (text := _text(cell))]
        index_name = len(filled) == 1 and _text(cells[0]) != "" and not _text(first[0])
        below_groups = grouped and rows == 0
        if not (same or _is_units(cells) or index_name or below_groups):
            break
        rows += 1
    return rows


def _is_year(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) == 4 and int(text) in _YEARS


def _is_year_header(cells: Cells, fitting: _Fitting) -> bool:
    """Whether a record has a run of years above columns whose values are no years."""
    years = [index for index in range(len(cells)) if _is_year(_text(cells[index]))]
    typed = [index for index in years if index in fitting.typed]
    if len(years) < 2 or not typed or 2 * len(typed) < len(fitting.typed):
        return False
    if any(value_shape(cells[i]) in DATA_SHAPES for i in range(len(cells)) if i not in years):
        return False
    numbers = [int(_text(cells[index])) for index in years]
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    rising = len(steps) == 1 and steps != {0}
    below = [row for row in fitting.table[1:20] if len(row) > years[-1]]
    are_years = sum(_is_year(_text(row[index])) for row in below for index in typed)
    return rising and 2 * are_years < len(below) * len(typed)


def _names_beside_values(cells: Cells, fitting: _Fitting) -> bool:
    """Whether a record has words above at least half of the typed columns."""
    filled = [index for index in fitting.typed if index < len(cells) and _text(cells[index])]
    named = [index for index in filled if not fits(cells[index], fitting.shapes[index])]
    return 2 * len(named) > len(filled) and _is_names(cells, fitting.width)


def _groups_above_years(table: Sequence[Cells], fitting: _Fitting) -> int:
    """Rows of a header whose second row is of years, below groups; 0 where it is none."""
    if len(table) < 3 or not _is_groups(table, 0, fitting.width):
        return 0
    texts = [_text(cell) for cell in table[1]]
    years = [text for text in texts if _is_year(text)]
    return 2 if len(years) >= 2 and _text(table[1][0]) and not _is_year(texts[0]) else 0


def _header_of_words(table: Sequence[Cells], width: int) -> tuple[int, str, float]:
    """Judge a table that has nothing but texts."""
    first = table[0]
    texts = [_text(cell) for cell in first[:width]]
    rest = [cells for cells in table[1:_JUDGED] if len(cells) >= width]
    if not any(texts):
        return 0, "First row is empty", 0.5
    if any(value_shape(text) in DATA_SHAPES for text in texts):
        return 0, "First row has values", 0.6
    if not rest:
        return 1, "Only one row, taken as the header", 0.5
    filled = [index for index, text in enumerate(texts) if text]
    repeated = [
        i for i in filled if sum(_text(row[i]) == texts[i] for row in rest) > len(rest) / 50
    ]
    again = [i for i in filled if any(_text(row[i]) == texts[i] for row in rest)]
    if len(repeated) * 2 >= len(filled) or len(again) == len(filled):
        return 0, "Values of the first row come again below, so there is no header", 0.7
    if len(filled) < width and width > 2 and len(filled) <= width // 2:
        return 0, "First row names fewer than half of the columns", 0.5
    confidence = 0.6 if again or len(set(texts)) < len(texts) else 0.7
    return 1, "First row has words that are not repeated below", confidence
