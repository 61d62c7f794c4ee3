"""Whether the first rows are names, and which."""

from collections.abc import Sequence

from worker.handlers.profile.detection.value_shapes import NULL_WORDS, VALUES, column_shapes, shape
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import Cell

MAX_ROWS = 5
_NAME_LENGTH = 200
_SURE = 10


def filled(cells: Sequence[Cell]) -> int:
    """How many cells of a row are not blank."""
    return sum(cell is not None and bool(cell.strip()) for cell in cells)


def count_rows(
    records: Sequence[Sequence[Cell]], body: Sequence[Sequence[Cell]], width: int, options: Options
) -> tuple[int, tuple[str, float]]:
    """How many rows the header has, and why."""
    if options.header is not None:
        return min(options.header, len(records)), ("the options", 1.0)
    first = records[0]
    if not filled(first):
        return 0, ("the first record is empty", 0.5)
    rest = [cells for cells in body[1:] if cells != first]
    kinds = column_shapes(rest[MAX_ROWS - 1 :] or rest, width)
    typed = [index for index, kind in enumerate(kinds) if kind in VALUES]
    if not typed:
        return _text_header(first, rest)
    if len(first) == width and not _named(first, typed, kinds):
        return 0, ("the first record has values as those below it", 0.95)
    if len(first) != width and has_values(first):
        return 0, ("the first record has values", 0.7)
    # A second row of names is told by the values below: there must be enough of them.
    sure = any(sum(bool(row[index]) for row in rest) >= _SURE for index in typed)
    rows = 1
    while rows < min(MAX_ROWS, len(records) - 1):
        cells = records[rows]
        again = cells == first
        below = sure and len(cells) == width and filled(cells) > width // 2 and _wordy(cells)
        if not again and not (below and _named(cells, typed, kinds)):
            break
        rows += 1
    return rows, (f"{len(typed):,} columns have names above and values below", 0.98)


def _named(cells: Sequence[Cell], typed: Sequence[int], kinds: Sequence[str | None]) -> bool:
    """Whether a row has words where the columns have values."""
    filled = [index for index in typed if cells[index] and str(cells[index]).strip()]
    if not filled:
        return False
    names = [str(cells[index]).strip().lower() for index in filled]
    fits = any(_fits(cells[index], kinds[index]) for index in filled)
    return not fits and not any(name in NULL_WORDS for name in names)


def _wordy(cells: Sequence[Cell]) -> bool:
    """Whether every filled cell has a letter and none is a value."""
    texts = [cell for cell in cells if cell and cell.strip()]
    return not has_values(texts) and all(any(map(str.isalpha, text)) for text in texts)


def _fits(cell: Cell, kind: str | None) -> bool:
    found = shape(cell)
    return found == kind or (found == "integer" and kind == "number")


def has_values(cells: Sequence[Cell]) -> bool:
    """Whether any cell is a value rather than a word."""
    return any(shape(cell) in VALUES for cell in cells)


def _text_header(
    first: Sequence[Cell], rest: Sequence[Sequence[Cell]]
) -> tuple[int, tuple[str, float]]:
    """Judge a table of nothing but texts."""
    cells = [str(cell).strip() for cell in first if cell is not None and cell.strip()]
    if has_values(cells):
        return 0, ("the first record has values", 0.6)
    if len(set(cells)) < len(cells):
        return 0, ("the first record repeats itself", 0.6)
    again = sum(
        any(index < len(row) and row[index] == cell for row in rest)
        for index, cell in enumerate(first)
        if cell
    )
    if again:
        return 0, (f"{again:,} of its first cells come again below", 0.7)
    return 1, ("the first record has words that do not come again", 0.6)


def names(header: Sequence[Sequence[Cell]], width: int) -> list[str]:
    """One name per column: the rows of the header together, made unique."""
    rows: list[list[str]] = []
    for cells in header:
        row = [" ".join((cell or "").split()) for cell in cells]
        if len(row) > width:
            row = [cell for cell in row if cell] if row.count("") >= len(row) - width else row
        row = (row + [""] * width)[:width]
        if row not in rows:
            rows.append(row)
    for row in rows[:-1]:  # a group's name stands above the first of its columns
        for index in range(1, width):
            row[index] = row[index] or row[index - 1]
    found: list[str] = []
    taken: set[str] = set()
    for index in range(width):
        parts = [row[index] for row in rows if row[index]]
        name = " ".join(dict.fromkeys(parts))[:_NAME_LENGTH] or f"column_{index + 1}"
        unique, number = name, 1
        while unique.lower() in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique.lower())
        found.append(unique)
    return found
