"""Detects what a file consists of: preamble, header rows, the width and the columns' shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.handlers.contract import BadInput
from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.detection.comments import header_in_block, leading_block
from worker.handlers.profile.detection.dialect import Dialect, declared_separator
from worker.handlers.profile.detection.evidence import SET_BY_OPTION, Evidence
from worker.handlers.profile.detection.header import column_names, header_key
from worker.handlers.profile.detection.header_rows import MAX_HEADER_ROWS
from worker.handlers.profile.detection.records import SampleRecord, read_records, table_width
from worker.handlers.profile.detection.sample import MAX_PREAMBLE_LINES, Sample
from worker.handlers.profile.detection.table_start import (
    TableTop,
    find_top,
    first_wide,
    reread_top,
)
from worker.handlers.profile.detection.value_shapes import column_shapes
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import Cell, parse

MAX_COLUMNS = 2000
# The rows from which types are guessed: few are enough, as every value is checked later.
_MAX_TYPED_ROWS, _MIN_TYPED_ROWS, _TYPED_CELLS = 2000, 100, 20_000
# The rows that show which shape the values of a column have.
_MAX_SHAPED_ROWS, _MIN_SHAPED_ROWS, _SHAPED_CELLS = 500, 50, 8000
# The rows above the table that may be in the way of these.
_TOP_ROWS = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a file are; lines are counted from 1.

    ``first_line`` is that of the first record, ``header_end`` the last of the header (or of what
    stands above, if there is none), ``header_rows`` are the cells of the header.
    ``preamble`` holds the first of the ``preamble_lines`` lines above the table that are not blank
    and are skipped; if there are too many to keep, the lines up to ``rejected_until`` are rejects
    instead, otherwise it is 0. ``value_shapes`` has the shape of each column's values, None where
    they have no common one. ``trailing_delimiters``: most records have empty cells after the last
    column. ``is_plain``: only a header of one well-formed line and the right
    width, or nothing, is above the first record.
    """

    columns: tuple[str, ...]
    first_line: int
    header_end: int
    header_rows: tuple[tuple[Cell, ...], ...]
    preamble: tuple[str, ...]
    preamble_lines: int
    rejected_until: int
    value_shapes: tuple[str | None, ...]
    trailing_delimiters: bool
    is_plain: bool
    evidence: dict[str, Evidence] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.columns)

    def describe(self) -> dict[str, object]:
        """Return the JSON for the result."""
        return {
            "header_rows": len(self.header_rows),
            "first_line": self.first_line,
            "preamble": list(self.preamble),
            "evidence": {name: found.describe() for name, found in self.evidence.items()},
        }


def detect_layout(sample: Sample, dialect: Dialect, options: Options) -> Layout:
    """Detect the layout of the sample.

    Raises:
        BadInput: there are only blank and comment lines, or too many columns.
    """
    records = _read(sample, dialect)
    width = _checked_width(records)
    trailing_delimiters = _has_trailing_delimiters(records, width)
    records = [record.trimmed(width) for record in records]
    if options.delimiter is None:
        records = reread_top(records, width, dialect.csv_format)
    top = _find_top(records, width, options)
    table = records[top.start :]
    header = [record.cells for record in table[: top.header_rows]]
    preamble = _lines_above(sample, table)
    is_rejected = len(preamble) > MAX_PREAMBLE_LINES
    return Layout(
        columns=tuple(column_names(header, width)),
        first_line=_first_line(table, len(header)),
        header_end=table[len(header) - 1].next_line - 1 if header else table[0].line - 1,
        header_rows=tuple(tuple(cells) for cells in header),
        preamble=(*sample.skipped_preview, *preamble)[:MAX_PREAMBLE_LINES],
        preamble_lines=sample.skipped_non_blank + (0 if is_rejected else len(preamble)),
        rejected_until=table[0].line - 1 if is_rejected else 0,
        value_shapes=tuple(_value_shapes(table, header, width)),
        trailing_delimiters=trailing_delimiters,
        is_plain=top.start == 0 and not trailing_delimiters and _is_plain(table, header, width),
        evidence={
            "header": top.evidence,
            **_preamble_evidence(sample, len(preamble), options),
            **_names_evidence(header, width),
        },
    )


def _read(sample: Sample, dialect: Dialect) -> list[SampleRecord]:
    skipped = sample.skipped_lines
    lines = sample.lines
    comments = _comment_lines(lines, dialect)
    records = read_records(lines, dialect.csv_format, comments, skipped_lines=skipped)
    if not records:
        where = f" after the first {counted(skipped, 'line')}" if skipped else ""
        raise BadInput(f"The file has no rows, only blank lines or comments{where}.")
    return records


def _comment_lines(lines: Sequence[str], dialect: Dialect) -> set[int]:
    """Return the indexes of the sample's comment lines."""
    comments, csv_format = dialect.comments, dialect.csv_format
    found = {n for n, line in enumerate(lines) if comments.covers(line, csv_format, dialect.width)}
    if comments.sign and not comments.always:
        block = leading_block(lines, comments.sign)
        above = [line for line in lines[:block] if line.strip()]
        is_header = header_in_block(above, [x for x in lines[block:] if x.strip()], csv_format)
        found |= set(range(block - 1 if is_header else block))
        found -= {block - 1} if is_header else set()
    if lines and declared_separator(lines[0]):
        found.add(0)
    return found


def _checked_width(records: Sequence[SampleRecord]) -> int:
    width = table_width(records)
    if width > MAX_COLUMNS:
        raise BadInput(
            f"The file has more than {MAX_COLUMNS:,} columns, which is the maximum. If its "
            "delimiter was detected wrongly, set the option “delimiter”."
        )
    return width


def _has_trailing_delimiters(records: Sequence[SampleRecord], width: int) -> bool:
    wider = sum(len(record.cells) > width for record in records)
    trimmed = sum(
        len(record.trimmed(width).cells) == width < len(record.cells) for record in records
    )
    return 2 * wider > len(records) and 2 * trimmed > wider


def _find_top(records: Sequence[SampleRecord], width: int, options: Options) -> TableTop:
    """Return where the table starts and how many header rows it has, as far as not set."""
    limit = _limit(_SHAPED_CELLS, width, _MIN_SHAPED_ROWS, _MAX_SHAPED_ROWS) + _TOP_ROWS
    rows = [record.cells for record in records[:limit]]
    if options.header is not None:
        start = 0 if options.skip_lines is not None else first_wide(rows, width)
        return TableTop(start, min(options.header, len(records) - start), SET_BY_OPTION)
    found = find_top(rows, width)
    if options.skip_lines is not None and found.start:
        return TableTop(0, min(found.header_rows, 1), found.evidence)
    return found


def _value_shapes(
    table: Sequence[SampleRecord], header: Sequence[Sequence[Cell]], width: int
) -> list[str | None]:
    limit = _limit(_SHAPED_CELLS, width, _MIN_SHAPED_ROWS, _MAX_SHAPED_ROWS) + MAX_HEADER_ROWS
    body = [record.cells[:width] for record in table if len(record.cells) >= width][:limit]
    names = {header_key(cells) for cells in header}
    return column_shapes([cells for cells in body if header_key(cells) not in names], width)


def _lines_above(sample: Sample, table: Sequence[SampleRecord]) -> list[str]:
    """Return the lines above the table that are neither skipped nor blank."""
    above = sample.lines[: table[0].line - 1 - sample.skipped_lines]
    return [line for line in above if line.strip()]


def _limit(cells: int, width: int, least: int, most: int) -> int:
    """Return how many rows of ``width`` have about so many cells, within the bounds."""
    return max(least, min(most, cells // width))


def _first_line(table: Sequence[SampleRecord], rows: int) -> int:
    """Return the line after ``rows`` header rows, with the blank lines and comments between."""
    return table[rows].line if rows < len(table) else table[-1].next_line


def _is_plain(table: Sequence[SampleRecord], header: Sequence[Sequence[Cell]], width: int) -> bool:
    if table[0].line != 1 or not header:
        return table[0].line == 1
    names = header_key(header[0])
    if any(header_key(record.cells) == names for record in table[1:]):
        return False  # repeated, perhaps with other spaces
    one_line = len(header) == 1 and _first_line(table, 1) == 2
    return one_line and table[0].well_formed and len(header[0]) == width


def _preamble_evidence(sample: Sample, lines: int, options: Options) -> dict[str, Evidence]:
    if sample.skipped_lines:
        return {"preamble": SET_BY_OPTION}
    if not lines or options.skip_lines is not None:
        return {}
    verb = "does" if lines == 1 else "do"
    why = f"{counted(lines, 'line')} above the table {verb} not look like its rows"
    return {"preamble": Evidence(why, 0.9)}


def _names_evidence(header: Sequence[Sequence[Cell]], width: int) -> dict[str, Evidence]:
    if not header or len(header[0]) == width:
        return {}
    why = (
        f"The header has {counted(len(header[0]), 'name')} for {counted(width, 'column')}, so some "
        "names may belong to another column"
    )
    return {"names": Evidence(why, 0.4)}


def sample_rows(sample: Sample, dialect: Dialect, layout: Layout) -> list[list[Cell]]:
    """Return the sample's well-formed records of one line, enough to guess types from."""
    found: list[list[Cell]] = []
    limit = _limit(_TYPED_CELLS, layout.width, _MIN_TYPED_ROWS, _MAX_TYPED_ROWS)
    for line in sample.lines[layout.first_line - 1 - sample.skipped_lines :]:
        parsed = parse(line, dialect.csv_format)
        fits = parsed.well_formed and len(parsed.cells) == layout.width
        if fits and tuple(parsed.cells) not in layout.header_rows:
            found.append(parsed.cells)
        if len(found) == limit:
            break
    return found
