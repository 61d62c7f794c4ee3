"""Takes one line or record apart, as a dialect says, and tells where it does not fit.

An empty bare cell is no value (None); a quoted empty cell is an empty text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

Cell = str | None


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """The characters of a dialect; the escape is another than the quote.

    ``padded``: blanks around cells belong to the delimiter.
    """

    delimiter: str
    quote: str | None = '"'
    escape: str | None = None
    padded: bool = False


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """``open``: a quote is not closed at the end; ``odd``: something stands after a closing one."""

    cells: list[Cell] = field(default_factory=list)
    unterminated: bool = False
    malformed: bool = False


@lru_cache(maxsize=64)
def _quoted(marks: CsvFormat) -> re.Pattern[str]:
    q = re.escape(marks.quote or "")
    if marks.escape:
        e = re.escape(marks.escape)
        body = rf"(?:[^{q}{e}]++|{e}.|{q}{q})*+"
    else:
        body = rf"(?:[^{q}]++|{q}{q})*+"
    return re.compile(rf"{q}({body}){q}", re.DOTALL)


@lru_cache(maxsize=64)
def _escapes(marks: CsvFormat) -> re.Pattern[str]:
    special = re.escape(f"{marks.delimiter}{marks.quote or ''}{marks.escape}")
    doubled = f"|{re.escape(marks.quote * 2)}" if marks.quote else ""
    return re.compile(rf"{re.escape(marks.escape or '')}([{special}]){doubled}")


def count_quotes(text: str, marks: CsvFormat) -> int:
    """How many quotes of a text are not escaped."""
    if marks.escape and marks.escape in text:
        text = re.sub(rf"{re.escape(marks.escape)}.", "", text)
    return text.count(marks.quote or '"')


def _unescaped(text: str, marks: CsvFormat) -> str:
    assert marks.quote
    if not marks.escape:
        return text.replace(marks.quote * 2, marks.quote)
    return _escapes(marks).sub(lambda match: match[1] or marks.quote or "", text)


def parse(text: str, marks: CsvFormat) -> ParsedRecord:
    """Take a record apart, its line end left away.

    A quote opens a quoted cell only where a cell begins; in the middle of a bare one it is data.
    """
    quote, delimiter = marks.quote, marks.delimiter
    escaped = marks.escape is not None and marks.escape in text
    if not escaped and (not quote or quote not in text):
        return ParsedRecord([_bare(cell, marks) for cell in text.split(delimiter)])
    cells: list[Cell] = []
    position = 0
    while True:
        start = _behind_blanks(text, position, marks)
        if not quote or not text.startswith(quote, start):
            cut = _end_of_bare(text, position, marks) if escaped else text.find(delimiter, position)
            cells.append(_bare(text[position : cut if cut >= 0 else None], marks))
            if cut < 0:
                return ParsedRecord(cells)
            position = cut + len(delimiter)
            continue
        match = _quoted(marks).match(text, start)
        if match is None:
            return ParsedRecord(cells, unterminated=True)
        cells.append(_unescaped(match[1], marks))
        after = _behind_blanks(text, match.end(), marks)
        if after == len(text):
            return ParsedRecord(cells)
        if not text.startswith(delimiter, after):
            return ParsedRecord(cells, malformed=True)
        position = after + len(delimiter)


def _end_of_bare(text: str, position: int, marks: CsvFormat) -> int:
    """Where a bare cell's delimiter stands, -1 where none comes; an escaped one is data."""
    assert marks.escape
    while True:
        cut = text.find(marks.delimiter, position)
        escape = text.find(marks.escape, position)
        if cut < 0 or not 0 <= escape < cut:
            return cut
        position = escape + 2


def _behind_blanks(text: str, position: int, marks: CsvFormat) -> int:
    while marks.padded and text.startswith(" ", position):
        position += 1
    return position


def _bare(cell: str, marks: CsvFormat) -> Cell:
    if marks.padded:
        cell = cell.strip(" ")
    if marks.escape and marks.escape in cell:
        cell = _escapes(marks).sub(lambda match: match[1] or match[0], cell)
    return cell or None


def parse_lenient(text: str, marks: CsvFormat) -> list[Cell]:
    """Take a record apart in which quotes are where they should not be.

    A quote closes a cell only in front of a delimiter or at the end; every other one is data.
    """
    assert marks.quote
    quote, delimiter = marks.quote, marks.delimiter
    cells: list[Cell] = []
    position = 0
    closing = re.compile(f"{re.escape(quote)}(?={re.escape(delimiter)}|$)", re.DOTALL)
    while True:
        if text.startswith(quote, position):
            match = closing.search(text, position + 1)
            if match:
                cells.append(_unescaped(text[position + 1 : match.start()], marks))
                position = match.end()
                if position >= len(text):
                    return cells
                position += len(delimiter)
                continue
        cut = text.find(delimiter, position)
        if cut < 0:
            cells.append(_bare(text[position:], marks))
            return cells
        cells.append(_bare(text[position:cut], marks))
        position = cut + len(delimiter)


def literal(text: str, marks: CsvFormat) -> list[Cell]:
    """Take a line apart as if quotes were data like all else."""
    return [_bare(cell, marks) for cell in text.split(marks.delimiter)]


def write(cells: Sequence[Cell], marks: CsvFormat) -> str:
    """Put a record together, quotes doubled; the text can be parsed with the same delimiter."""
    return marks.delimiter.join(_written(cell, marks.delimiter) for cell in cells)


def _written(cell: Cell, delimiter: str) -> str:
    if cell is None:
        return ""
    if not cell or '"' in cell or delimiter in cell or "\n" in cell or "\r" in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell
