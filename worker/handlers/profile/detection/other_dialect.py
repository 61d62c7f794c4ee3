"""Reads a record that is written in another dialect than the rest of its file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from worker.handlers.profile.reading.csv_record import Cell, CsvFormat, ParsedRecord, parse

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class RepairedRecord:
    """``cells`` as they are meant; ``reason`` and ``action`` say what was wrong and what was done.

    ``overflow`` is the text of the cells beyond the last column, None if there are none.
    """

    cells: list[Cell]
    reason: str
    action: str
    overflow: str | None = None


def read_in_other_dialect(
    text: str, csv_format: CsvFormat, width: int, cells: Sequence[Cell] | None
) -> RepairedRecord | None:
    """Look for a dialect in which the record ``text`` has ``width`` cells.

    ``cells`` are those it has in the file's own format, None if it is malformed there. Returns
    None if no other dialect fits.
    """
    if width == 1:
        return None
    return (
        _one_quoted_cell(text, csv_format, width, cells)
        or _single_quotes(text, csv_format, width)
        or _other_delimiter(text, csv_format, width, cells)
    )


def _one_quoted_cell(
    text: str, csv_format: CsvFormat, width: int, cells: Sequence[Cell] | None
) -> RepairedRecord | None:
    if cells is None or len(cells) != 1 or not text.startswith(csv_format.quote):
        return None
    inner = parse(cells[0] or "", csv_format)
    if not _has_width(inner, width):
        return None
    return RepairedRecord(inner.cells, "the whole row is one quoted cell", "split into cells")


def _single_quotes(text: str, csv_format: CsvFormat, width: int) -> RepairedRecord | None:
    if csv_format.quote != '"' or "'" not in text:
        return None
    parsed = parse(text, replace(csv_format, quote="'"))
    return _single_quoted(parsed.cells) if _has_width(parsed, width) else None


def _single_quoted(cells: list[Cell]) -> RepairedRecord:
    return RepairedRecord(cells, "cells are quoted with '", "read with ' as the quote character")


def _other_delimiter(
    text: str, csv_format: CsvFormat, width: int, cells: Sequence[Cell] | None
) -> RepairedRecord | None:
    # A record with most of its cells is in the file's format, and merely ragged.
    if cells is not None and len(cells) > (width + 1) // 2:
        return None
    for delimiter in _DELIMITERS.replace(csv_format.delimiter, ""):
        parsed = parse(text, replace(csv_format, delimiter=delimiter))
        if _has_width(parsed, width):
            name = "a tab" if delimiter == "\t" else delimiter
            return RepairedRecord(
                parsed.cells, f"the row is separated by {name}", f"split at {name}"
            )
    return None


def _has_width(parsed: ParsedRecord, width: int) -> bool:
    return parsed.well_formed and len(parsed.cells) == width


def unwrap_single_quotes(cells: Sequence[Cell], csv_format: CsvFormat) -> RepairedRecord | None:
    """Remove the ' around cells if at least half of a record's filled cells have them."""
    if csv_format.quote != '"':
        return None
    filled = sum(bool(cell) for cell in cells)
    wrapped = sum(_is_wrapped(cell) for cell in cells)
    if not wrapped or 2 * wrapped < filled:
        return None
    return _single_quoted([_unwrap(cell) for cell in cells])


def _is_wrapped(cell: Cell) -> bool:
    return cell is not None and len(cell) > 1 and cell[0] == "'" == cell[-1]


def _unwrap(cell: Cell) -> Cell:
    return cell[1:-1].replace("''", "'") if cell and _is_wrapped(cell) else cell
