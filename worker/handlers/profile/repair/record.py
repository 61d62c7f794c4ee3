"""Gives a record with too few or too many cells the width of its table."""

from collections.abc import Sequence

from worker.handlers.profile.detection.other_dialect import RepairedRecord
from worker.handlers.profile.detection.value_shapes import fit_score
from worker.handlers.profile.reading.csv_record import Cell


def fit_to_width(
    cells: Sequence[Cell], width: int, shapes: Sequence[str | None], delimiter: str
) -> RepairedRecord:
    """Return the record with ``width`` cells.

    If there is one cell too few or too many, the shapes of the columns show which one it is.
    """
    if len(cells) < width:
        return _lengthen(cells, width, shapes)
    return _shorten(cells, width, shapes, delimiter)


def describe_width(cells: int, width: int) -> str:
    """Say how many cells a record has that should have ``width``."""
    return f"too {'few' if cells < width else 'many'} cells: {cells:,} instead of {width:,}"


def _lengthen(cells: Sequence[Cell], width: int, shapes: Sequence[str | None]) -> RepairedRecord:
    reason = describe_width(len(cells), width)
    missing = width - len(cells)
    gap = _find_gap(cells, shapes) if missing == 1 else None
    if gap is not None:
        filled = [*cells[:gap], None, *cells[gap:]]
        return RepairedRecord(filled, reason, f"cell {gap + 1:,} left empty")
    action = f"last {missing:,} cells left empty" if missing > 1 else "last cell left empty"
    return RepairedRecord([*cells, *[None] * missing], reason, action)


def _find_gap(cells: Sequence[Cell], shapes: Sequence[str | None]) -> int | None:
    """Return where an empty cell fits best; None if that is at the end."""
    # A single doubtful cell is not reason enough to move the others.
    best, gap = fit_score([*cells, None], shapes) + 1, None
    for index in range(len(cells) - 1, 0, -1):
        score = fit_score([*cells[:index], None, *cells[index:]], shapes)
        if score > best:
            best, gap = score, index
    return gap


def _shorten(
    cells: Sequence[Cell], width: int, shapes: Sequence[str | None], delimiter: str
) -> RepairedRecord:
    reason = describe_width(len(cells), width)
    surplus = cells[width:]
    joint = _find_joint(cells, shapes, delimiter) if len(surplus) == 1 else None
    if joint is not None:
        action = f"cells {joint + 1:,} and {joint + 2:,} joined"
        return RepairedRecord(_join(cells, joint, delimiter), reason, action)
    kept = list(cells[:width])
    if not any(cell and cell.strip() for cell in surplus):
        noun = "extra empty cell" if len(surplus) == 1 else "extra empty cells"
        return RepairedRecord(kept, reason, f"{noun} dropped")
    noun = "extra cell" if len(surplus) == 1 else "extra cells"
    overflow = delimiter.join(cell or "" for cell in surplus)
    return RepairedRecord(kept, reason, f"{noun} moved to the overflow column", overflow)


def _find_joint(cells: Sequence[Cell], shapes: Sequence[str | None], delimiter: str) -> int | None:
    """Return which cell fits best if joined with the next; None if the last is better cut off."""
    best, joint = fit_score(cells[:-1], shapes) - bool(cells[-1]), None
    for index in range(len(cells) - 1):
        both_filled = cells[index] is not None and cells[index + 1] is not None
        score = fit_score(_join(cells, index, delimiter), shapes) - both_filled
        if score > best:
            best, joint = score, index
    return joint


def _join(cells: Sequence[Cell], index: int, delimiter: str) -> list[Cell]:
    """Join a cell with the next one, with a delimiter between them if both are filled."""
    pair = [cell for cell in cells[index : index + 2] if cell is not None]
    return [*cells[:index], delimiter.join(pair) if pair else None, *cells[index + 2 :]]
