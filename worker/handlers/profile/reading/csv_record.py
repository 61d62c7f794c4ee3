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
def _quoted_cell(csv_format: CsvFormat) -> re.Pattern[str]:
    q = re.escape(csv_format.quote or "")
    if csv_format.escape:
        e = re.escape(csv_format.escape)
        body = rf"(?:[^{q}{e}]++|{e}.|{q}{q})*+"
    else:
        body = rf"(?:[^{q}]++|{q}{q})*+"
    return re.compile(rf"{q}({body}){q}", re.DOTALL)


@lru_cache(maxsize=64)
def _escape_sequence(csv_format: CsvFormat) -> re.Pattern[str]:
    special = re.escape(f"{csv_format.delimiter}{csv_format.quote or ''}{csv_format.escape}")
    doubled = f"|{re.escape(csv_format.quote * 2)}" if csv_format.quote else ""
    return re.compile(rf"{re.escape(csv_format.escape or '')}([{special}]){doubled}")


def count_quotes(text: str, csv_format: CsvFormat) -> int:
    """How many quotes of a text are not escaped."""
    if csv_format.escape and csv_format.escape in text:
        text = re.sub(rf"{re.escape(csv_format.escape)}.", "", text)
    return text.count(csv_format.quote or '"')


def _unescape(text: str, csv_format: CsvFormat) -> str:
    assert csv_format.quote
    if not csv_format.escape:
        return text.replace(csv_format.quote * 2, csv_format.quote)
    return _escape_sequence(csv_format).sub(lambda match: match[1] or csv_format.quote or "", text)


def parse(text: str, csv_format: CsvFormat) -> ParsedRecord:
    """Take a record apart, its line end left away.

    A quote opens a quoted cell only where a cell begins; in the middle of a bare one it is data.
    """
    quote, delimiter = csv_format.quote, csv_format.delimiter
    escaped = csv_format.escape is not None and csv_format.escape in text
    if not escaped and (not quote or quote not in text):
        return ParsedRecord([_unquoted(cell, csv_format) for cell in text.split(delimiter)])
    cells: list[Cell] = []
    position = 0
    while True:
        start = _skip_spaces(text, position, csv_format)
        if not quote or not text.startswith(quote, start):
            cut = (
                _find_delimiter(text, position, csv_format)
                if escaped
                else text.find(delimiter, position)
            )
            cells.append(_unquoted(text[position : cut if cut >= 0 else None], csv_format))
            if cut < 0:
                return ParsedRecord(cells)
            position = cut + len(delimiter)
            continue
        match = _quoted_cell(csv_format).match(text, start)
        if match is None:
            return ParsedRecord(cells, unterminated=True)
        cells.append(_unescape(match[1], csv_format))
        after = _skip_spaces(text, match.end(), csv_format)
        if after == len(text):
            return ParsedRecord(cells)
        if not text.startswith(delimiter, after):
            return ParsedRecord(cells, malformed=True)
        position = after + len(delimiter)


def _find_delimiter(text: str, position: int, csv_format: CsvFormat) -> int:
    """Where a bare cell's delimiter stands, -1 where none comes; an escaped one is data."""
    assert csv_format.escape
    while True:
        cut = text.find(csv_format.delimiter, position)
        escape = text.find(csv_format.escape, position)
        if cut < 0 or not 0 <= escape < cut:
            return cut
        position = escape + 2


def _skip_spaces(text: str, position: int, csv_format: CsvFormat) -> int:
    while csv_format.padded and text.startswith(" ", position):
        position += 1
    return position


def _unquoted(cell: str, csv_format: CsvFormat) -> Cell:
    if csv_format.padded:
        cell = cell.strip(" ")
    if csv_format.escape and csv_format.escape in cell:
        cell = _escape_sequence(csv_format).sub(lambda match: match[1] or match[0], cell)
    return cell or None


def parse_lenient(text: str, csv_format: CsvFormat) -> list[Cell]:
    """Take a record apart in which quotes are where they should not be.

    A quote closes a cell only in front of a delimiter or at the end; every other one is data.
    """
    assert csv_format.quote
    quote, delimiter = csv_format.quote, csv_format.delimiter
    cells: list[Cell] = []
    position = 0
    closing = re.compile(f"{re.escape(quote)}(?={re.escape(delimiter)}|$)", re.DOTALL)
    while True:
        if text.startswith(quote, position):
            match = closing.search(text, position + 1)
            if match:
                cells.append(_unescape(text[position + 1 : match.start()], csv_format))
                position = match.end()
                if position >= len(text):
                    return cells
                position += len(delimiter)
                continue
        cut = text.find(delimiter, position)
        if cut < 0:
            cells.append(_unquoted(text[position:], csv_format))
            return cells
        cells.append(_unquoted(text[position:cut], csv_format))
        position = cut + len(delimiter)


def split_raw(text: str, csv_format: CsvFormat) -> list[Cell]:
    """Take a line apart as if quotes were data like all else."""
    return [_unquoted(cell, csv_format) for cell in text.split(csv_format.delimiter)]


def format_record(cells: Sequence[Cell], csv_format: CsvFormat) -> str:
    """Put a record together, quotes doubled; the text can be parsed with the same delimiter."""
    return csv_format.delimiter.join(_format_cell(cell, csv_format.delimiter) for cell in cells)


def _format_cell(cell: Cell, delimiter: str) -> str:
    if cell is None:
        return ""
    if not cell or '"' in cell or delimiter in cell or "\n" in cell or "\r" in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell
