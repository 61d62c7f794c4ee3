"""Detects how many header rows a table has, and names its columns."""

from collections.abc import Mapping, Sequence

from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.detection.evidence import SET_BY_OPTION, Evidence
from worker.handlers.profile.detection.value_shapes import (
    DATA_SHAPES,
    NULL_WORDS,
    column_shapes,
    matches_shape,
    value_shape,
)
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import Cell
from worker.handlers.profile.reading.invisible import strip_invisible

MAX_ROWS = 5
_MAX_NAME_LENGTH = 200
# The values a column must show before a row of words above them counts as a further header row.
_ENOUGH_VALUES = 10


def count_filled(cells: Sequence[Cell]) -> int:
    """Count the cells that are not blank."""
    return sum(not _is_blank(cell) for cell in cells)


def _is_blank(cell: Cell) -> bool:
    return cell is None or not cell.strip()


def has_values(cells: Sequence[Cell]) -> bool:
    """Whether any cell is a number, a date or the like rather than words."""
    return any(value_shape(cell) in DATA_SHAPES for cell in cells)


def count_header_rows(
    rows: Sequence[Sequence[Cell]], body: Sequence[Sequence[Cell]], width: int, options: Options
) -> tuple[int, Evidence]:
    """Return how many of the first rows are header rows, and the evidence.

    ``rows`` are those of the table from its top, not empty; ``body`` those of them that have
    ``width`` cells.
    """
    if options.header is not None:
        return min(options.header, len(rows)), SET_BY_OPTION
    first = rows[0]
    if not count_filled(first):
        return 0, Evidence("First row is empty, so there is no header", 0.5)
    below = [cells for cells in body[1:] if cells != first]
    shapes = column_shapes(below[MAX_ROWS - 1 :] or below, width)
    value_columns = {n: shape for n, shape in enumerate(shapes) if shape in DATA_SHAPES}
    if not value_columns:
        return _judge_text_header(first, below)
    objection = _object_to_header(first, value_columns, width)
    if objection:
        return 0, objection
    further = _count_further_rows(rows, below, value_columns, width)
    verb = "has" if len(value_columns) == 1 else "have"
    why = f"{counted(len(value_columns), 'column')} {verb} a name above numbers or dates"
    return 1 + further, Evidence(why, 0.98)


def _object_to_header(
    first: Sequence[Cell], value_columns: Mapping[int, str], width: int
) -> Evidence | None:
    """Return why the first row is no header of the columns, None if it is one."""
    if len(first) == width and not _names_columns(first, value_columns):
        return Evidence("First row looks like data, so there is no header", 0.95)
    if len(first) != width and has_values(first):
        return Evidence("First row has numbers or dates, so there is no header", 0.7)
    return None


def _count_further_rows(
    rows: Sequence[Sequence[Cell]],
    below: Sequence[Sequence[Cell]],
    value_columns: Mapping[int, str],
    width: int,
) -> int:
    """Count the header rows after the first one; at least one row is left as data."""
    # Only the values below tell a second row of names from data: there must be enough of them.
    sure = any(sum(bool(row[index]) for row in below) >= _ENOUGH_VALUES for index in value_columns)
    further = 0
    for cells in rows[1 : min(MAX_ROWS, len(rows) - 1)]:
        named = sure and _is_row_of_names(cells, width) and _names_columns(cells, value_columns)
        if cells != rows[0] and not named:
            break
        further += 1
    return further


def _is_row_of_names(cells: Sequence[Cell], width: int) -> bool:
    """Whether most cells are filled, all of those with letters, and none with a value."""
    texts = [cell for cell in cells if cell is not None and cell.strip()]
    if len(cells) != width or len(texts) <= width // 2 or has_values(texts):
        return False
    return all(any(map(str.isalpha, text)) for text in texts)


def _names_columns(cells: Sequence[Cell], value_columns: Mapping[int, str]) -> bool:
    """Whether a row has words where the columns have values."""
    filled = {index: cells[index] for index in value_columns if not _is_blank(cells[index])}
    if not filled:
        return False
    return not any(
        matches_shape(cell, value_columns[index]) or str(cell).strip().lower() in NULL_WORDS
        for index, cell in filled.items()
    )


def _judge_text_header(
    first: Sequence[Cell], below: Sequence[Sequence[Cell]]
) -> tuple[int, Evidence]:
    """Judge the first row of a table that has no column of numbers or dates."""
    texts = [cell.strip() for cell in first if cell is not None and cell.strip()]
    if has_values(texts):
        return 0, Evidence("First row has numbers or dates, so there is no header", 0.6)
    if len(set(texts)) < len(texts):
        return 0, Evidence("First row has the same text twice, so there is no header", 0.6)
    repeated = sum(_is_in_column(cell, index, below) for index, cell in enumerate(first) if cell)
    if repeated:
        verb = "appears" if repeated == 1 else "appear"
        why = f"{counted(repeated, 'cell')} of the first row {verb} again below it"
        return 0, Evidence(f"{why}, so there is no header", 0.7)
    return 1, Evidence("First row has words that do not appear again below it", 0.6)


def _is_in_column(cell: Cell, index: int, rows: Sequence[Sequence[Cell]]) -> bool:
    return any(index < len(row) and row[index] == cell for row in rows)


def column_names(header: Sequence[Sequence[Cell]], width: int) -> list[str]:
    """Return one unique name per column: what the header rows say of it, joined."""
    rows: list[list[str]] = []
    for cells in header:
        row = _fit_header_row(cells, width)
        if row not in rows:
            rows.append(row)
    for row in rows[:-1]:  # a group is named above the first of its columns
        for index in range(1, width):
            row[index] = row[index] or row[index - 1]
    names: list[str] = []
    taken: set[str] = set()
    for index in range(width):
        parts = [row[index] for row in rows if row[index]]
        name = " ".join(dict.fromkeys(parts))[:_MAX_NAME_LENGTH] or f"column_{index + 1}"
        names.append(_unique(name, taken))
        taken.add(names[-1].lower())
    return names


def _fit_header_row(cells: Sequence[Cell], width: int) -> list[str]:
    """Return ``width`` texts with single spaces; in a longer row empty cells are dropped first."""
    row = [" ".join(strip_invisible(cell or "").split()) for cell in cells]
    if len(row) > width and row.count("") >= len(row) - width:
        row = [text for text in row if text]
    return (row + [""] * width)[:width]


def _unique(name: str, taken: set[str]) -> str:
    """Append a number to the name if it is taken, in whatever case."""
    unique, number = name, 1
    while unique.lower() in taken:
        number += 1
        unique = f"{name}_{number}"
    return unique
