"""Which records above the body of a table are its header: names, groups, units, years.

A second header row needs positive evidence: units, types or ways of processing below the names,
groups above them, or the name of an index alone.
"""

from collections.abc import Sequence
from itertools import pairwise

from worker.handlers.profile.detection.body_fit import (
    BodyFit,
    Cells,
    cell_text,
    filled_cells,
    fits,
    stripped,
)
from worker.handlers.profile.detection.units import is_unit
from worker.handlers.profile.detection.value_shapes import DATA_SHAPES, NULL_WORDS, value_shape

MAX_HEADER_ROWS = 5
_MAX_NAME = 2000
_JUDGED = 300
_YEARS = range(1800, 2101)


def are_names(cells: Cells, width: int) -> bool:
    """Whether a record could name the columns: nearly all filled, short, and no values."""
    texts = [text for cell in cells[:width] if (text := cell_text(cell))]
    missing = width - len(texts)
    allowed = (max(1, width // 4) if width > 2 else 0) + (not cell_text(cells[0]))
    if missing > allowed or not texts:
        return False
    words = sum(value_shape(text) not in DATA_SHAPES for text in texts)
    nulls = sum(text.lower() in NULL_WORDS for text in texts)
    return 2 * words > len(texts) and nulls < len(texts) and max(map(len, texts)) <= _MAX_NAME


def are_groups(above: Sequence[Cells], index: int, width: int) -> bool:
    """Whether a record has names of groups, over a row that names the columns."""
    if index + 1 >= len(above):
        return False
    texts = [text for cell in above[index] if (text := cell_text(cell))]
    if not texts or any(value_shape(text) in DATA_SHAPES and not _is_year(text) for text in texts):
        return False
    row, below = stripped(above[index])[:width], stripped(above[index + 1])[:width]
    gaps = [place for place in range(len(row)) if not row[place]]
    over_names = all(place < len(below) and below[place] for place in gaps if place)
    repeated = len(set(texts)) < len(texts)
    if not over_names or not (repeated or (gaps and (gaps[0] == 0 or len(gaps) > 1))):
        return False
    return are_names(below, width) or filled_cells(below) >= width - 1


def are_units(cells: Cells) -> bool:
    """Whether most filled cells of a record are units, types or ways of processing."""
    filled = [text for cell in cells if (text := cell_text(cell))]
    return bool(filled) and sum(map(is_unit, filled)) >= 0.6 * len(filled)


def more_header_rows(table: Sequence[Cells], names: int, next_row: int, fitting: BodyFit) -> int:
    """How many records from ``next_row`` on belong to the header that begins at ``names``."""
    rows = 0
    first = table[names - 1] if names and next_row == names else table[names]
    grouped = are_groups(table, names, fitting.width)
    for cells in table[next_row : next_row + MAX_HEADER_ROWS - 1]:
        same = stripped(cells) == stripped(first)
        filled = [text for cell in cells if (text := cell_text(cell))]
        index_name = len(filled) == 1 and cell_text(cells[0]) != "" and not cell_text(first[0])
        below_groups = grouped and rows == 0
        if not (same or are_units(cells) or index_name or below_groups):
            break
        rows += 1
    return rows


def last_complete(above: Sequence[Cells], width: int) -> int:
    """Index of the last record that names every column, if it is not the first.

    0 where it belongs to the first: as its units, or as names below groups.
    """
    if are_groups(above, 0, width) or are_units(above[-1]):
        return 0
    last = len(above) - 1
    named = last > 0 and filled_cells(above[last]) >= width and are_names(above[last], width)
    return last if named else 0


def first_names(above: Sequence[Cells], fitting: BodyFit) -> int | None:
    """Index of the record that begins the header; a group row counts as part of it."""
    width = fitting.width
    for index, cells in enumerate(above):
        if are_names(cells, width) or are_groups(above, index, width):
            return index
    return None


def _is_year(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) == 4 and int(text) in _YEARS


def are_years(cells: Cells, fitting: BodyFit) -> bool:
    """Whether a record has a run of years above columns whose values are no years."""
    years = [index for index in range(len(cells)) if _is_year(cell_text(cells[index]))]
    typed = [index for index in years if index in fitting.typed]
    if len(years) < 2 or not typed or 2 * len(typed) < len(fitting.typed):
        return False
    if any(value_shape(cells[i]) in DATA_SHAPES for i in range(len(cells)) if i not in years):
        return False
    numbers = [int(cell_text(cells[index])) for index in years]
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    rising = len(steps) == 1 and steps != {0}
    below = [row for row in fitting.table[1:20] if len(row) > years[-1]]
    are_years = sum(_is_year(cell_text(row[index])) for row in below for index in typed)
    return rising and 2 * are_years < len(below) * len(typed)


def groups_above_years(table: Sequence[Cells], fitting: BodyFit) -> int:
    """Rows of a header whose second row is of years, below groups; 0 where it is none."""
    if len(table) < 3 or not are_groups(table, 0, fitting.width):
        return 0
    texts = [cell_text(cell) for cell in table[1]]
    years = [text for text in texts if _is_year(text)]
    return 2 if len(years) >= 2 and cell_text(table[1][0]) and not _is_year(texts[0]) else 0


def names_beside_values(cells: Cells, fitting: BodyFit) -> bool:
    """Whether a record has words above at least half of the typed columns."""
    filled = [index for index in fitting.typed if index < len(cells) and cell_text(cells[index])]
    named = [index for index in filled if not fits(cells[index], fitting.shapes[index])]
    return 2 * len(named) > len(filled) and are_names(cells, fitting.width)


def header_of_words(table: Sequence[Cells], width: int) -> tuple[int, str, float]:
    """Judge a table that has nothing but texts."""
    first = table[0]
    texts = [cell_text(cell) for cell in first[:width]]
    rest = [cells for cells in table[1:_JUDGED] if len(cells) >= width]
    if not any(texts):
        return 0, "First row is empty", 0.5
    if any(value_shape(text) in DATA_SHAPES for text in texts):
        return 0, "First row has values", 0.6
    if not rest:
        return 1, "Only one row, taken as the header", 0.5
    filled = [index for index, text in enumerate(texts) if text]
    repeated = [
        i for i in filled if sum(cell_text(row[i]) == texts[i] for row in rest) > len(rest) / 50
    ]
    again = [i for i in filled if any(cell_text(row[i]) == texts[i] for row in rest)]
    if len(repeated) * 2 >= len(filled) or len(again) == len(filled):
        return 0, "Values of the first row come again below, so there is no header", 0.7
    if len(filled) < width and width > 2 and len(filled) <= width // 2:
        return 0, "First row names fewer than half of the columns", 0.5
    confidence = 0.6 if again or len(set(texts)) < len(texts) else 0.7
    return 1, "First row has words that are not repeated below", confidence
