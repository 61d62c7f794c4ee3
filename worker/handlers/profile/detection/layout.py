"""What stands where: preamble, header rows, the width of the table, the kinds of its columns."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.handlers.contract import BadInput
from worker.handlers.profile.detection.dialect import Dialect
from worker.handlers.profile.detection.header import MAX_ROWS, count_rows, filled, has_values, names
from worker.handlers.profile.detection.sample import KEPT_LINES, Sample
from worker.handlers.profile.detection.value_shapes import column_shapes
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import (
    Cell,
    CsvFormat,
    count_quotes,
    parse,
    split_raw,
)
from worker.handlers.profile.repair.record import other_dialect

MAX_COLUMNS = 2000
# So many are enough to guess types from: every value is checked later.
_MAX_GUESSED, _MIN_GUESSED, _GUESSED_CELLS = 2000, 100, 20_000
# So many records show what there is, and so many lines one of them may take in the sample.
_RECORDS, _SPAN = 2000, 1000
# So many rows show what kinds of values a column has.
_MAX_JUDGED, _MIN_JUDGED, _JUDGED_CELLS = 500, 50, 8000


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the sample: the number of its first line, how many it takes, its cells."""

    line: int
    lines: int
    cells: list[Cell]
    text: str


@dataclass(frozen=True, slots=True)
class Layout:
    """``first`` is the line on which records begin; ``header`` the cells of the header's rows.

    ``preamble`` are the first of the ``above`` lines above the table that are not blank and are
    passed over. Where they are too many to be kept, all lines up to ``rejected`` are rejects.
    ``shapes`` has a kind for each column whose values are of one; ``plain``: nothing stands above
    the first record but a header of one line and as many cells.
    """

    columns: tuple[str, ...]
    first: int
    header: tuple[tuple[Cell, ...], ...]
    rejected: int
    preamble: tuple[str, ...]
    above: int
    shapes: tuple[str | None, ...]
    plain: bool
    evidence: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Cells of a record."""
        return len(self.columns)

    def describe(self) -> dict[str, object]:
        """JSON for the result."""
        return {
            "header_rows": len(self.header),
            "first_line": self.first,
            "preamble": list(self.preamble),
            "evidence": {
                name: {"why": why, "confidence": confidence}
                for name, (why, confidence) in self.evidence.items()
            },
        }


def find(sample: Sample, dialect: Dialect, options: Options) -> Layout:
    """Judge the sample.

    Raises:
        BadInput: there is nothing but blank lines and comments, or too many columns.
    """
    lines = sample.lines
    records = _records(lines, dialect, sample.skipped)
    if not records:
        where = f" behind the {sample.skipped:,} that are skipped" if sample.skipped else ""
        raise BadInput(f"The file has only blank lines{where}.")
    width = _width(records)
    if width > MAX_COLUMNS:
        raise BadInput(
            f"The file has more than {MAX_COLUMNS:,} columns, the most that are handled. If its "
            "delimiter was mistaken, say which it is with the option “delimiter”."
        )
    if options.delimiter is None:
        records = _reread_first(records, width, dialect.csv_format)
    start = 0 if options.skip_lines is not None else _start(records, width)
    judged = max(_MIN_JUDGED, min(_MAX_JUDGED, _JUDGED_CELLS // width))
    body = [record.cells for record in records[start:] if len(record.cells) == width]
    body = body[: judged + MAX_ROWS]
    rows, evidence = count_rows([record.cells for record in records[start:]], body, width, options)
    header = [record.cells for record in records[start : start + rows]]
    shapes = column_shapes([cells for cells in body if cells not in header], width)
    behind = start + rows
    last = records[behind - 1] if behind else None
    first = last.line + last.lines if last else sample.skipped + 1
    if behind < len(records):
        first = records[behind].line
    top = header[0] if header else None
    plain = (
        start == 0
        and records[0].line == 1
        and (top is None or (rows == 1 and len(top) == width and first == 2))
        and (top is None or parse(records[0].text, dialect.csv_format).cells == top)
    )
    top_line = records[start].line if start < len(records) else sample.skipped + 1
    preamble = [line for line in lines[: top_line - 1 - sample.skipped] if line.strip()]
    rejected = len(preamble) > KEPT_LINES
    found = {"header": evidence}
    if preamble and options.skip_lines is None:
        found["preamble"] = (f"{len(preamble):,} lines above the table are unlike it", 0.9)
    if sample.skipped:
        found["preamble"] = ("the options", 1.0)
    if top is not None and len(top) != width:
        found["names"] = (
            f"the header has {len(top):,} names for {width:,} columns, so they may stand above the "
            "wrong ones",
            0.4,
        )
    return Layout(
        tuple(names(header, width)),
        first,
        tuple(tuple(cells) for cells in header),
        top_line - 1 if rejected else 0,
        (*sample.above, *preamble)[:KEPT_LINES],
        sample.filled + (0 if rejected else len(preamble)),
        tuple(shapes),
        plain,
        found,
    )


def _records(lines: Sequence[str], dialect: Dialect, skipped: int) -> list[Record]:
    """The records of lines above which ``skipped`` others stand."""
    records: list[Record] = []
    at = 0
    while at < len(lines) and len(records) < _RECORDS:
        line = lines[at]
        if not line.strip() or (dialect.comment and line.startswith(dialect.comment)):
            at += 1
            continue
        text, span = line, 1
        parsed = parse(text, dialect.csv_format)
        while parsed.unterminated and span < _SPAN and at + span < len(lines):
            following = lines[at + span]
            text += "\n" + following
            span += 1
            # An even number of quotes opens again what it closes.
            if count_quotes(following, dialect.csv_format) % 2:
                parsed = parse(text, dialect.csv_format)
        if parsed.unterminated or parsed.malformed:
            records.append(Record(skipped + at + 1, 1, split_raw(line, dialect.csv_format), line))
            at += 1
        else:
            records.append(Record(skipped + at + 1, span, parsed.cells, text))
            at += span
    return records


def whole_records(sample: Sample, dialect: Dialect, table: Layout) -> list[list[Cell]]:
    """The first whole records, as far as types are guessed from them."""
    found: list[list[Cell]] = []
    most = max(_MIN_GUESSED, min(_MAX_GUESSED, _GUESSED_CELLS // table.width))
    for line in sample.lines[table.first - 1 - sample.skipped :]:
        parsed = parse(line, dialect.csv_format)
        whole = (
            not parsed.unterminated and not parsed.malformed and len(parsed.cells) == table.width
        )
        if whole and tuple(parsed.cells) not in table.header:
            found.append(parsed.cells)
        if len(found) == most:
            break
    return found


def _width(records: Sequence[Record]) -> int:
    counts = Counter(len(record.cells) for record in records)
    # LineReader of one cell are often not of the table; a table of one column has hardly others.
    return max(counts, key=lambda n: (counts[n] * (1 if n > 1 else 0.34), n))


def _reread_first(records: list[Record], width: int, csv_format: CsvFormat) -> list[Record]:
    """Read the line above the first record of the right width as if written otherwise."""
    for index, record in enumerate(records[:-1]):
        if len(record.cells) == width:
            break
        if len(records[index + 1].cells) == width:
            other = other_dialect(record.text, csv_format, width, record.cells)
            if other is not None and not has_values(other[0]):
                fixed = Record(record.line, record.lines, other[0], record.text)
                return [*records[:index], fixed, *records[index + 1 :]]
    return records


def _start(records: Sequence[Record], width: int) -> int:
    """Where the table begins: with its header, or the first record."""
    if width == 1:
        return 0
    for index, record in enumerate(records):
        cells = record.cells
        below = records[index + 1 : index + 4]
        like = sum(len(other.cells) == width for other in below)
        if len(cells) == width:
            enough = filled(cells) >= max(2, width // 3) or width == 2
            fuller = any(filled(other.cells) > 2 * filled(cells) for other in below)
            if enough or not fuller:
                return index
        elif (
            below
            and len(cells) >= 2
            and abs(len(cells) - width) <= max(1, width // 10)
            and 2 * like > len(below)
            and len(below[0].cells) == width
            and not has_values(cells)
        ):
            return index  # a header with a name too many or too few
    return 0
