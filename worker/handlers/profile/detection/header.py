"""Detects how many header rows a table has, and names its columns."""

from collections.abc import Sequence

from worker.handlers.profile.detection.value_shapes import (
    DATA_SHAPES,
    value_shape,
)
from worker.handlers.profile.reading.csv_record import Cell
from worker.handlers.profile.reading.invisible import strip_invisible

_MAX_NAME_LENGTH = 200


def has_values(cells: Sequence[Cell]) -> bool:
    """Whether any cell is a number, a date or the like rather than words."""
    return any(value_shape(cell) in DATA_SHAPES for cell in cells)


def header_key(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return what two header rows have in common that differ in spaces alone."""
    return tuple((cell or "").strip() for cell in cells)


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
