"""Hypotheses of how a file is written compete: each reads the sample, the most sensible one wins.

A hypothesis is judged by what a person would look at: do the records have as many cells, do the
columns hold values of one kind, is no value cut in two, do the quotes close, does the first line
look like the others. Records are read with their quotes, so a cell of several lines counts as the
one record it is.

The measure follows van den Burg, Nazábal and Sutton (Wrangling messy CSV files by detecting row and
type patterns, 2019): the consistency of the records times the share of cells of a known type. New
are the whole line as a hypothesis of its own, values that a delimiter must not cut, and quotes and
escapes judged by the records that they leave unreadable (after Döhmen et al., Multi-hypothesis CSV
parsing, 2017).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from worker.handlers.profile.detection import candidates
from worker.handlers.profile.detection.atoms import share_inside
from worker.handlers.profile.detection.value_shapes import DATA_SHAPES, value_shape
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import (
    CLOSING_QUOTES,
    Cell,
    CsvFormat,
    count_quotes,
    parse,
    split_raw,
)

MAX_LINES = 300
MAX_CHARACTERS = 64 * 1024
# So many whole records behind an open quote were not meant to be inside it.
_SWALLOWED = 20
_SEPARATED = 0.9
_RIVAL_SHARE, _RIVAL_SCORE = 0.6, 0.3
_JUDGED_CELLS = 3000
# How much a cell of each shape speaks for its hypothesis; whole shapes are value_shapes'.
_WEIGHTS = {"text": 0.35, "words": 0.9, "empty": 0.8}
# The first line is a header more often than not: a delimiter should be in it.
_NOT_IN_FIRST = 0.5
_MOSTLY_INSIDE = 0.5
_CUTS_VALUES = 0.05
_SEPARATES_WORDS = 0.3
# A record shorter than the first line is ragged, not evidence against the delimiter.
_SHORT = 0.5
# What a single column is worth beside one whose records agree on a width.
_ONE_COLUMN = 0.14
_ONE_COLUMN_OF_VALUES = 0.7


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to read the sample: its score (0-1), and the share of lines with ``width`` cells.

    ``rows`` are the records with that many. ``separates``: nearly every record, the first one too,
    has as many cells, and the delimiter cuts no values.
    """

    csv_format: CsvFormat
    score: float
    share: float
    width: int
    separates: bool = False
    rows: Sequence[Sequence[Cell]] = ()


@dataclass(frozen=True, slots=True)
class _Record:
    cells: list[Cell]
    lines: int
    readable: bool


def rank(lines: Sequence[str], options: Options) -> list[Hypothesis]:
    """Return the hypotheses on ``lines`` (not blank, not comments), the most likely first."""
    judged = list(_within(lines)) or [""]
    cut = len(judged) < len(lines)
    formats = candidates.candidates(judged, options)
    found = [_judge(judged, each, cut=cut) for each in formats if not each.one_column]
    found = [each for each in found if _needs_its_quote(each, found)]
    found = [_less_if_it_cuts(each, found) for each in found]
    separated = any(each.separates for each in found)
    found += [
        _judge_one_column(judged, each, separated=separated) for each in formats if each.one_column
    ]
    return sorted(found, key=lambda each: each.score, reverse=True)


def _needs_its_quote(hypothesis: Hypothesis, others: Sequence[Hypothesis]) -> bool:
    """Whether typographic quotes keep delimiters inside; without that they are part of the text."""
    csv_format = hypothesis.csv_format
    if csv_format.quote not in CLOSING_QUOTES:
        return True
    plain = replace(csv_format, quote='"')
    return all(each.share < hypothesis.share for each in others if each.csv_format == plain)


def _less_if_it_cuts(hypothesis: Hypothesis, others: Sequence[Hypothesis]) -> Hypothesis:
    """Halve the score of a delimiter that is part of values, as in `1,5`, for another one."""
    delimiter = hypothesis.csv_format.delimiter
    for other in others:
        rival = (
            other.rows
            and other.share >= _RIVAL_SHARE
            and other.score > _RIVAL_SCORE * hypothesis.score
        )
        if not rival or other.csv_format.delimiter == delimiter:
            continue
        if any(cell and delimiter in cell for cell in other.rows[0]):
            continue  # it separates the names as well
        holding = [cell for row in other.rows for cell in row if cell and delimiter in cell]
        values = sum(value_shape(cell) in DATA_SHAPES for cell in holding)
        if values > 1 and values >= _SEPARATED * len(holding):
            return replace(hypothesis, score=hypothesis.score / 2)
    return hypothesis


def _within(lines: Sequence[str]) -> Sequence[str]:
    """The first lines, as many as are quick to read in every way."""
    size = 0
    for index, line in enumerate(lines[:MAX_LINES]):
        size += len(line)
        if size > MAX_CHARACTERS and index:
            return lines[:index]
    return lines[:MAX_LINES]


def _judge(lines: Sequence[str], csv_format: CsvFormat, *, cut: bool) -> Hypothesis:
    records = _records(lines, csv_format, cut=cut)
    first = len(records[0].cells)
    weights: Counter[int] = Counter()
    for record in records:
        if record.readable:
            weights[len(record.cells)] += record.lines
    if not weights:
        return Hypothesis(csv_format, 0.0, 0.0, 1)
    width = max(weights, key=lambda n: weights[n] * (n - 1 if n > 1 else 0.02))
    agreeing = float(weights[width])
    others = len(records) > 1 and any(len(record.cells) > 1 for record in records[1:])
    if first > 1 and first == max(weights) and others:
        # Nothing is wider than the first line: the shorter ones lack cells at their end.
        ragged = weights[first] + _SHORT * sum(n for w, n in weights.items() if w < first)
        if ragged > agreeing * (1 - 1 / width):
            width, agreeing = first, max(agreeing, ragged)
    share = agreeing / sum(record.lines for record in records)
    if width == 1:
        return Hypothesis(csv_format, 0.0, share, 1)
    rows = [record.cells for record in records if record.readable and len(record.cells) == width]
    cuts = share_inside("\n".join(lines), csv_format.delimiter) > _MOSTLY_INSIDE
    score = share**2 * (1 - 1 / width) * _sensible(rows, csv_format)
    score *= candidates.prior(csv_format.delimiter) * _doubts(lines, csv_format, rows)
    if cuts:
        score *= _CUTS_VALUES
    separates = first == width and share >= _SEPARATED and not cuts
    return Hypothesis(csv_format, score, share, width, separates, rows)


def _judge_one_column(
    lines: Sequence[str], csv_format: CsvFormat, *, separated: bool
) -> Hypothesis:
    """Judge whole lines as cells; lines of values win unless a delimiter ``separated`` all."""
    rows: list[list[Cell]] = [[line] for line in lines]
    shapes = Counter(value_shape(line) for line in lines[1:] or lines)
    common, count = shapes.most_common(1)[0]
    values = common in DATA_SHAPES or common in ("url", "email")
    if values and count >= _SEPARATED * sum(shapes.values()) and not separated:
        return Hypothesis(csv_format, _ONE_COLUMN_OF_VALUES, 1.0, 1)
    return Hypothesis(csv_format, _ONE_COLUMN * _sensible(rows, csv_format), 1.0, 1)


def _records(lines: Sequence[str], csv_format: CsvFormat, *, cut: bool) -> list[_Record]:
    """Read lines as records; ``cut``: the sample may end inside one.

    A quote that is never closed, or that swallows records, spoils its line alone.
    """
    found: list[_Record] = []
    at = 0
    while at < len(lines):
        text, span, whole = lines[at], 1, 0
        parsed = parse(text, csv_format)
        expected = lines[0].count(csv_format.delimiter)
        while parsed.unterminated and at + span < len(lines) and whole < _SWALLOWED:
            following = lines[at + span]
            text += "\n" + following
            span += 1
            quotes = count_quotes(following, csv_format)
            whole += not quotes and following.count(csv_format.delimiter) == expected > 0
            if quotes % 2:
                parsed = parse(text, csv_format)
        if parsed.unterminated and whole < _SWALLOWED and cut and found:
            break
        if parsed.unterminated or parsed.malformed:
            found.append(_Record(split_raw(lines[at], csv_format), 1, readable=False))
            at += 1
        else:
            found.append(_Record(parsed.cells, span, readable=True))
            at += span
    return found


def _doubts(lines: Sequence[str], csv_format: CsvFormat, rows: Sequence[Sequence[Cell]]) -> float:
    """What speaks against a delimiter although the records agree, as a factor of 0-1."""
    delimiter = csv_format.delimiter
    factor = 1.0
    typed = [index for index in range(len(rows[0])) if _is_typed([row[index] for row in rows[1:]])]
    names = [index for index in typed if value_shape(rows[0][index]) not in DATA_SHAPES]
    absent = delimiter not in lines[0]
    # A title may stand above a row of names: then values of another kind are below these.
    if absent and not (typed and names == typed):
        factor *= _NOT_IN_FIRST
    if delimiter == " " and (not typed or (len(rows[0]) == 2 and len(typed) < 2)):
        factor *= _SEPARATES_WORDS
    if delimiter == "," and absent and not typed and _always_padded(lines):
        factor *= _SEPARATES_WORDS
    between = range(1, len(rows[0]) - 1, 2)
    if between and not any(row[index] for row in rows for index in between):
        factor *= _SEPARATES_WORDS  # it always stands twice
    return factor


def _is_typed(cells: Sequence[Cell]) -> bool:
    shapes = [found for cell in cells if (found := value_shape(cell)) not in ("empty", "null")]
    return bool(shapes) and sum(found in DATA_SHAPES for found in shapes) >= 0.8 * len(shapes)


def _always_padded(lines: Sequence[str]) -> bool:
    return all(line.count(",") == line.count(", ") for line in lines)


def _sensible(rows: Sequence[Sequence[Cell]], csv_format: CsvFormat) -> float:
    """How much the cells are like values or words, 0-1: glued or cut ones are like neither."""
    sensible = total = 0.0
    for row in rows:
        for cell in row:
            sensible += _WEIGHTS.get(value_shape(cell), 1.0)
            total += 1
            if csv_format.quote != '"' and cell and '"' in cell:
                sensible -= 0.5
        if total > _JUDGED_CELLS:
            break
    return max(0.0, sensible / total) if total else 0.0
