"""Parses one record in a given format and reports where it does not fit; formats records.

An empty unquoted cell has no value (None); an empty quoted cell is an empty text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

Cell = str | None


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """The characters that structure a file; ``escape`` is not the same as ``quote``.

    ``padded``: spaces around cells belong to the delimiter. ``one_column``: every line is one
    cell, and the delimiter does not occur. ``framed``: a delimiter also stands before the first
    cell and after the last. ``wrapped``: each record is one quoted cell that holds its cells.
    """

    delimiter: str
    quote: str = '"'
    escape: str | None = None
    padded: bool = False
    one_column: bool = False
    framed: bool = False
    wrapped: bool = False


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """``unterminated``: the last quote is not closed; ``malformed``: text follows a closing one.

    If either is true, ``cells`` are those up to that quote.
    """

    cells: list[Cell] = field(default_factory=list)
    unterminated: bool = False
    malformed: bool = False

    @property
    def well_formed(self) -> bool:
        """Whether all of the record could be parsed."""
        return not self.unterminated and not self.malformed


# Quotes that are closed by another character than they are opened with.
CLOSING_QUOTES = {"“": "”", "„": "“", "«": "»"}


@lru_cache(maxsize=64)
def _quoted_cell(csv_format: CsvFormat) -> re.Pattern[str]:
    opening = re.escape(csv_format.quote)
    q = re.escape(CLOSING_QUOTES.get(csv_format.quote, csv_format.quote))
    if csv_format.escape:
        e = re.escape(csv_format.escape)
        body = rf"(?:[^{q}{e}]++|{e}.|{q}{q})*+"
    else:
        body = rf"(?:[^{q}]++|{q}{q})*+"
    return re.compile(rf"{opening}({body}){q}", re.DOTALL)


@lru_cache(maxsize=64)
def _escape_sequence(csv_format: CsvFormat) -> re.Pattern[str]:
    special = re.escape(f"{csv_format.delimiter}{csv_format.quote}{csv_format.escape}")
    doubled = re.escape(csv_format.quote * 2)
    return re.compile(rf"{re.escape(csv_format.escape or '')}([{special}])|{doubled}")


def count_quotes(text: str, csv_format: CsvFormat) -> int:
    """Count the quotes of a text that are not escaped."""
    if csv_format.escape and csv_format.escape in text:
        text = re.sub(rf"{re.escape(csv_format.escape)}.", "", text)
    return text.count(csv_format.quote)


def parse(text: str, csv_format: CsvFormat) -> ParsedRecord:
    """Parse a record, given without its line end.

    A quote opens a quoted cell only at the start of a cell; elsewhere in an unquoted one it is
    text.
    """
    if csv_format.framed:
        return _parse_cells(_without_frame(text, csv_format), csv_format)
    parsed = _parse_cells(text, csv_format)
    if csv_format.wrapped and len(parsed.cells) == 1 and parsed.well_formed and parsed.cells[0]:
        return _parse_cells(parsed.cells[0], csv_format)
    return parsed


def _without_frame(text: str, csv_format: CsvFormat) -> str:
    return text.strip().removeprefix(csv_format.delimiter).removesuffix(csv_format.delimiter)


def _parse_cells(text: str, csv_format: CsvFormat) -> ParsedRecord:
    quote, delimiter = csv_format.quote, csv_format.delimiter
    if quote not in text and not _has_escape(text, csv_format):
        return ParsedRecord([_unquoted(cell, csv_format) for cell in text.split(delimiter)])
    cells: list[Cell] = []
    position = 0
    while True:
        start = _skip_spaces(text, position, csv_format)
        if text.startswith(quote, start):
            match = _quoted_cell(csv_format).match(text, start)
            if match is None:
                return ParsedRecord(cells, unterminated=True)
            cells.append(_unescape(match[1], csv_format))
            end = _skip_spaces(text, match.end(), csv_format)
            if end < len(text) and not text.startswith(delimiter, end):
                return ParsedRecord(cells, malformed=True)
        else:
            end = _find_delimiter(text, position, csv_format)
            cells.append(_unquoted(text[position:end], csv_format))
        if end == len(text):
            return ParsedRecord(cells)
        position = end + len(delimiter)


def _has_escape(text: str, csv_format: CsvFormat) -> bool:
    return csv_format.escape is not None and csv_format.escape in text


def _find_delimiter(text: str, position: int, csv_format: CsvFormat) -> int:
    """Return where an unquoted cell ends: at a delimiter that is not escaped, or with the text."""
    while True:
        end = text.find(csv_format.delimiter, position)
        if end < 0:
            return len(text)
        escape = text.find(csv_format.escape, position, end) if csv_format.escape else -1
        if escape < 0:
            return end
        position = escape + 2


def _skip_spaces(text: str, position: int, csv_format: CsvFormat) -> int:
    while csv_format.padded and text.startswith(" ", position):
        position += 1
    return position


def _unescape(text: str, csv_format: CsvFormat) -> str:
    """Return the text of a quoted cell, given without its quotes."""
    if not csv_format.escape:
        return text.replace(csv_format.quote * 2, csv_format.quote)
    return _escape_sequence(csv_format).sub(lambda match: match[1] or csv_format.quote, text)


def _unquoted(cell: str, csv_format: CsvFormat) -> Cell:
    """Return the value of an unquoted cell, in which two quotes are two quotes."""
    if csv_format.padded:
        cell = cell.strip(" ")
    if _has_escape(cell, csv_format):
        cell = _escape_sequence(csv_format).sub(lambda match: match[1] or match[0], cell)
    return cell or None


def parse_lenient(text: str, csv_format: CsvFormat) -> list[Cell]:
    """Parse a record that has quotes where they should not be.

    A quote closes a cell only before a delimiter or at the end; every other one is text.
    """
    quote, delimiter = csv_format.quote, csv_format.delimiter
    closing = re.compile(f"{re.escape(quote)}(?={re.escape(delimiter)}|$)", re.DOTALL)
    cells: list[Cell] = []
    position = 0
    while True:
        opened = text.startswith(quote, position)
        match = closing.search(text, position + 1) if opened else None
        if match:
            end = match.end()
            cells.append(_unescape(text[position + 1 : match.start()], csv_format))
        else:
            found = text.find(delimiter, position)
            end = found if found >= 0 else len(text)
            cells.append(_unquoted(text[position:end], csv_format))
        if end >= len(text):
            return cells
        position = end + len(delimiter)


def split_raw(text: str, csv_format: CsvFormat) -> list[Cell]:
    """Split a line at its delimiters, with the quotes taken as text."""
    if csv_format.framed:
        text = _without_frame(text, csv_format)
    return [_unquoted(cell, csv_format) for cell in text.split(csv_format.delimiter)]


def format_record(cells: Sequence[Cell], csv_format: CsvFormat) -> str:
    """Join cells to a record that :func:`parse` reads with the same delimiter, quotes doubled."""
    return csv_format.delimiter.join(_format_cell(cell, csv_format.delimiter) for cell in cells)


def _format_cell(cell: Cell, delimiter: str) -> str:
    if cell is None:
        return ""
    if not cell or '"' in cell or delimiter in cell or "\n" in cell or "\r" in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def trim_trailing(cells: list[Cell], width: int) -> list[Cell]:
    """Return the cells without those beyond ``width`` if these are empty and unquoted."""
    surplus = cells[width:]
    return cells[:width] if surplus and all(cell is None for cell in surplus) else cells
