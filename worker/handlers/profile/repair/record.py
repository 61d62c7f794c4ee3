"""What a record may have meant that does not fit its table."""

from collections.abc import Sequence

from worker.handlers.profile.detection.value_shapes import fitting
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat, ParsedRecord, parse

Repaired = tuple[list[Cell], str, str]

_OTHERS = ",;\t|"


def other_dialect(
    text: str, csv_format: CsvFormat, width: int, cells: Sequence[Cell] | None
) -> Repaired | None:
    """Read a record that is written with another delimiter or quote than the rest."""
    if width == 1:
        return None
    if (
        cells is not None
        and len(cells) == 1
        and cells[0] is not None
        and text[:1] == csv_format.quote
    ):
        whole = parse(cells[0], csv_format)
        if _fits(whole, width):
            return whole.cells, "the record is one quoted cell", "it was taken apart again"
    if csv_format.quote == '"' and "'" in text:
        other = parse(
            text, CsvFormat(csv_format.delimiter, "'", csv_format.escape, csv_format.padded)
        )
        if _fits(other, width):
            return other.cells, "its cells are quoted with '", "it was read so"
    if cells is None or len(cells) <= (width + 1) // 2:
        for delimiter in _OTHERS.replace(csv_format.delimiter, ""):
            other = parse(
                text, CsvFormat(delimiter, csv_format.quote, csv_format.escape, csv_format.padded)
            )
            if _fits(other, width):
                name = {"\t": "a tab"}.get(delimiter, delimiter)
                return other.cells, f"its delimiter is {name}", "it was read so"
    return None


def _fits(parsed: ParsedRecord, width: int) -> bool:
    return not parsed.unterminated and not parsed.malformed and len(parsed.cells) == width


def unwrap_other_quotes(cells: Sequence[Cell], csv_format: CsvFormat) -> Repaired | None:
    """Take ' away from around the cells of a record if most of its cells have them."""
    if csv_format.quote != '"':
        return None
    filled = [cell for cell in cells if cell]
    wrapped = [cell for cell in filled if len(cell) > 1 and cell[0] == "'" == cell[-1]]
    if not wrapped or 2 * len(wrapped) < len(filled):
        return None
    found = [cell[1:-1].replace("''", "'") if cell in wrapped and cell else cell for cell in cells]
    return found, "its cells are quoted with '", "it was read so"


def fit(
    cells: Sequence[Cell], width: int, shapes: Sequence[str | None], delimiter: str
) -> tuple[list[Cell], str | None, str, str]:
    """Make a record ``width`` cells long; return it, what is left over, the reason, the action.

    One cell too few or too many is looked for where the kinds of the columns say it is.
    """
    if len(cells) < width:
        return _lengthened(cells, width, shapes)
    reason = f"more cells than there are columns ({len(cells):,} for {width:,})"
    surplus = cells[width:]
    if len(cells) == width + 1:
        place = _place_to_join(cells, shapes, delimiter)
        if place is not None:
            joined = _joined(cells, place, delimiter)
            return joined, None, reason, f"cells {place + 1:,} and {place + 2:,} were joined"
    if not any(surplus):
        return list(cells[:width]), None, reason, "the surplus cells are empty and were left away"
    rest = delimiter.join(cell or "" for cell in surplus)
    return list(cells[:width]), rest, reason, "the surplus was put into the overflow column"


def _lengthened(
    cells: Sequence[Cell], width: int, shapes: Sequence[str | None]
) -> tuple[list[Cell], str | None, str, str]:
    reason = f"fewer cells than there are columns ({len(cells):,} for {width:,})"
    padded = [*cells, *[None] * (width - len(cells))]
    best, place = fitting(padded, shapes), None
    if len(cells) == width - 1:
        for index in range(len(cells) - 1, 0, -1):
            moved = [*cells[:index], None, *cells[index:]]
            score = fitting(moved, shapes)
            if score > best + (place is None):  # not for the sake of a single doubtful cell
                best, padded, place = score, moved, index
    if place is None:
        return padded, None, reason, "the missing cells are empty"
    return padded, None, reason, f"cell {place + 1:,} was left empty"


def _place_to_join(
    cells: Sequence[Cell], shapes: Sequence[str | None], delimiter: str
) -> int | None:
    """Which cell fits best together with the next; None where the last is better cut off."""
    best, place = fitting(cells[:-1], shapes) - bool(cells[-1]), None
    for index in range(len(cells) - 1):
        both = cells[index] is not None and cells[index + 1] is not None
        score = fitting(_joined(cells, index, delimiter), shapes) - both
        if score > best:
            best, place = score, index
    return place


def _joined(cells: Sequence[Cell], index: int, delimiter: str) -> list[Cell]:
    first, second = cells[index], cells[index + 1]
    joined = first if second is None else second if first is None else first + delimiter + second
    return [*cells[:index], joined, *cells[index + 2 :]]
