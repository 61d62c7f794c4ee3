"""How the records of a table fit the values that its columns hold further down."""

from collections import Counter
from collections.abc import Sequence

from worker.handlers.profile.detection.value_shapes import (
    DATA_SHAPES,
    column_shapes,
    matches_shape,
    value_shape,
)
from worker.handlers.profile.reading.csv_record import Cell

_JUDGED = 300

Cells = Sequence[Cell]


def cell_text(cell: Cell) -> str:
    """Return the text of a cell without spaces around it, empty if there is none."""
    return cell.strip() if cell else ""


def look(cell: Cell) -> str:
    """What a cell looks like: its shape, or a code if it has no letters."""
    shape = value_shape(cell)
    is_code = shape in ("words", "text") and not any(map(str.isalpha, cell_text(cell)))
    return "code" if is_code else shape


def stripped(cells: Cells) -> tuple[str, ...]:
    """Return the texts of a record without spaces around them."""
    return tuple(map(cell_text, cells))


def fits(cell: Cell, kind: str | None) -> bool:
    """Whether a cell is a value of the column's shape, or none."""
    if value_shape(cell) in ("empty", "null"):
        return True
    return kind is not None and matches_shape(cell, kind)


def filled_cells(cells: Cells) -> int:
    """Count the cells that have a text."""
    return sum(cell_text(cell) != "" for cell in cells)


class BodyFit:
    """How the records of a table fit the values that its columns hold."""

    def __init__(self, table: Sequence[Cells], width: int) -> None:
        self.table = table
        self.width = width
        whole = [cells for cells in table[:_JUDGED] if len(cells) >= width]
        first = stripped(table[0])
        rest = [cells for cells in whole[1:] if stripped(cells) != first]
        # The lower part is body, whatever stands at the top.
        lower = rest[len(rest) // 3 :] or rest
        self.shapes = column_shapes([cells[:width] for cells in lower], width)
        self.typed = [index for index, kind in enumerate(self.shapes) if kind in DATA_SHAPES]
        self.usual = [
            Counter(look(cells[n]) for cells in lower).most_common(1)[0][0] if lower else ""
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
        return sum(index < len(cells) and cell_text(cells[index]) != "" for index in self.typed)

    def is_unlike(self, cells: Cells) -> bool:
        """Whether a record has something, and in no column what the records below it have."""
        filled = [n for n in range(min(len(cells), self.width)) if cell_text(cells[n])]
        return bool(filled) and all(look(cells[n]) != self.usual[n] for n in filled)

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
