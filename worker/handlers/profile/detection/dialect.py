"""Detects how a file is written: delimiter, quote, escape, comments, line ends.

The engine's own sniffer takes a ragged file for one column and silently skips rows above a wide
one, so the format is detected here and set explicitly. Each line is parsed on its own: an unclosed
quote or a preamble spoils one line, not the sample.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from worker.handlers.profile.accounting.plural import counted
from worker.handlers.profile.detection.evidence import SET_BY_OPTION, Evidence
from worker.handlers.profile.detection.records import read_records
from worker.handlers.profile.detection.sample import Sample
from worker.handlers.profile.detection.value_shapes import value_shape
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat, parse

SAMPLE_LINES = 1000
MAX_JUDGED_CELLS = 4000
DELIMITERS = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", ":": "colon", "^": "caret",
    "~": "tilde", "\x1f": "unit separator", "\x01": "SOH", "*": "asterisk", " ": "space",
}  # fmt: skip
_COMMENT, _ESCAPE = "#", "\\"
# The usual delimiters need less evidence.
_USUAL = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 0.98, "\x1f": 1.0, "\x01": 1.0}
_UNUSUAL = 0.75
# The first line is usually a header, which should contain the delimiter.
_NOT_IN_FIRST_LINE = 0.5
# How plausible a cell of each shape is, from 0; every other shape is 1.
_PLAUSIBLE = {"text": 0.35, "words": 0.9, "empty": 0.8}
_OTHER_QUOTE_PENALTY = 0.5
_SINGLE_COLUMN = 0.02
_LINE_ENDS = re.compile("\r\n|\n|\r")
_APOSTROPHE_QUOTED = re.compile(r"(^|[^\w\s])'.*'([^\w\s]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The format of a file, with the evidence for each detected property.

    ``newline`` is CRLF, LF, CR or mixed as far as the sample shows; ``comment`` is what comment
    lines start with.
    """

    csv_format: CsvFormat
    newline: str
    comment: str | None = None
    evidence: dict[str, Evidence] = field(default_factory=dict)

    def describe(self) -> dict[str, object]:
        """Return the JSON for the result."""
        delimiter = self.csv_format.delimiter
        return {
            "delimiter": DELIMITERS.get(delimiter, delimiter),
            "quote": self.csv_format.quote,
            "escape": self.csv_format.escape,
            "padded": self.csv_format.padded,
            "line_ends": self.newline,
            "comment": self.comment,
            "evidence": {name: found.describe() for name, found in self.evidence.items()},
        }


@dataclass(frozen=True, slots=True)
class _Agreement:
    """How well lines fit a format: ``share`` (0–1) of them have ``width`` cells."""

    score: float
    share: float
    width: int


def detect_dialect(sample: Sample, options: Options) -> Dialect:
    """Detect the dialect of the sample; whatever the options set is taken from them."""
    lines = [line for line in sample.lines[:SAMPLE_LINES] if line.strip()]
    comment = options.comment or _detect_comment(lines)
    if comment:
        lines = [line for line in lines if not line.startswith(comment)] or lines
    candidate, evidence = _detect_delimiter(lines, options)
    found = {"delimiter": evidence}
    quote, quote_evidence = _detect_quote(lines, candidate, options)
    if quote_evidence:
        found["quote"] = quote_evidence
    padded = candidate.delimiter != " " and _is_padded(lines, candidate.delimiter)
    if padded:
        found["padded"] = Evidence("Spaces follow almost every delimiter", 0.9)
    csv_format = CsvFormat(candidate.delimiter, quote, padded=padded)
    csv_format = replace(csv_format, escape=_detect_escape(sample, csv_format, comment, options))
    return Dialect(csv_format, _detect_newline(sample.text), comment, found)


def _detect_newline(text: str) -> str:
    found = Counter(_LINE_ENDS.findall(text))
    if len(found) > 1:
        # Inside quotes other line ends are data, as in every address field of a spreadsheet.
        found = Counter(_LINE_ENDS.findall(re.sub(r'"[^"]*"', "", text))) or found
    if not found:
        return "LF"
    names = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}
    return names[next(iter(found))] if len(found) == 1 else "mixed"


def _detect_comment(lines: Sequence[str]) -> str | None:
    """Return the comment sign if it starts some lines, and those do not look like records."""
    marked = [line for line in lines if line.startswith(_COMMENT)]
    others = [line for line in lines if not line.startswith(_COMMENT)]
    if not marked or not others:
        return None
    # A column whose name or values start with the sign.
    data = any(_same_width(marked, others, delimiter) for delimiter in ",;\t|")
    return None if data else _COMMENT


def _same_width(marked: Sequence[str], others: Sequence[str], delimiter: str) -> bool:
    width = Counter(line.count(delimiter) for line in others).most_common(1)[0][0]
    return width > 0 and all(line.count(delimiter) == width for line in marked)


def _detect_delimiter(lines: Sequence[str], options: Options) -> tuple[CsvFormat, Evidence]:
    """Return the candidate on which the lines agree best, and the evidence for its delimiter."""
    candidates = _candidates(options, lines)
    agreements = {candidate: _agreement(lines, candidate) for candidate in candidates}
    best = max(agreements, key=lambda candidate: agreements[candidate].score)
    if options.delimiter:
        return best, SET_BY_OPTION
    won = agreements[best]
    others = [
        agreement.score
        for candidate, agreement in agreements.items()
        if candidate.delimiter != best.delimiter
    ]
    confidence = max(0.0, 1 - max(others, default=0.0) / won.score) if won.score else 0.0
    verb = "has" if len(lines) == 1 else "have"
    why = f"{won.share:.0%} of {counted(len(lines), 'line')} {verb} {counted(won.width, 'cell')}"
    return best, Evidence(why, confidence)


def _candidates(options: Options, lines: Sequence[str]) -> list[CsvFormat]:
    text = "\n".join(lines[:200])
    present = [delimiter for delimiter in DELIMITERS if delimiter in text] or [","]
    delimiters = [options.delimiter] if options.delimiter else present
    if options.quote:
        quotes = [options.quote]
    else:
        quotes = ['"', "'"] if "'" in text and _APOSTROPHE_QUOTED.search(text) else ['"']
    return [CsvFormat(delimiter, quote) for delimiter in delimiters for quote in quotes]


def _agreement(lines: Sequence[str], csv_format: CsvFormat) -> _Agreement:
    """Score how well the lines agree on a width, and how plausible their cells are."""
    parsed = [parse(line, csv_format) for line in lines]
    # Lines that end inside a quote or start in one say nothing about the width.
    rows = [record.cells for record in parsed if record.well_formed]
    if not rows:
        return _Agreement(0.0, 0.0, 1)
    counts = Counter(map(len, rows))
    width = max(counts, key=lambda n: counts[n] * (n - 1 if n > 1 else _SINGLE_COLUMN))
    share = counts[width] / len(lines)
    if width == 1:
        return _Agreement(_SINGLE_COLUMN * share, share, 1)
    plausible = _plausibility([row for row in rows if len(row) == width], csv_format)
    usual = _USUAL.get(csv_format.delimiter, _UNUSUAL)
    if csv_format.delimiter not in lines[0]:
        usual *= _NOT_IN_FIRST_LINE
    return _Agreement(share**2 * (1 - 1 / width) * plausible * usual, share, width)


def _plausibility(rows: Sequence[Sequence[Cell]], csv_format: CsvFormat) -> float:
    """Return how much the cells look like values or words, 0–1: joined cells look like neither."""
    plausible, total = 0.0, 0
    for row in rows:
        for cell in row:
            plausible += _PLAUSIBLE.get(value_shape(cell), 1.0)
            if csv_format.quote == "'" and cell and '"' in cell:
                plausible -= _OTHER_QUOTE_PENALTY
        total += len(row)
        if total > MAX_JUDGED_CELLS:
            break
    return plausible / total


def _detect_quote(
    lines: Sequence[str], candidate: CsvFormat, options: Options
) -> tuple[str, Evidence | None]:
    if options.quote:
        return options.quote, SET_BY_OPTION
    delimiter = re.escape(candidate.delimiter)
    double, single = (
        _count(rf"(?:^|{delimiter}) ?{quote}|{quote} ?(?:{delimiter}|$)", lines) for quote in "\"'"
    )
    if single > 2 * double and candidate.quote == "'":
        return "'", Evidence(_quoted_cells("'", delimiter, lines), 0.9)
    if double:
        return '"', Evidence(_quoted_cells('"', delimiter, lines), 0.99)
    return '"', None


def _quoted_cells(quote: str, delimiter: str, lines: Sequence[str]) -> str:
    opened = _count(rf"(?:^|(?<={delimiter})) ?{quote}", lines)
    if not opened:
        return f"Only the end of a cell has a {quote}"
    return f"{counted(opened, 'cell')} {'is' if opened == 1 else 'are'} quoted with {quote}"


def _count(pattern: str, lines: Sequence[str]) -> int:
    compiled = re.compile(pattern)
    return sum(len(compiled.findall(line)) for line in lines)


def _is_padded(lines: Sequence[str], delimiter: str) -> bool:
    """Whether a space follows nearly every delimiter."""
    delimiters = sum(line.count(delimiter) for line in lines)
    padded = sum(line.count(delimiter + " ") for line in lines)
    return delimiters > 0 and padded >= 0.9 * delimiters


def _detect_escape(
    sample: Sample, csv_format: CsvFormat, comment: str | None, options: Options
) -> str | None:
    r"""Return the escape if more of the sample can be parsed with it than with doubled quotes.

    On a tie quotes are doubled, and a backslash is data: it ends a path in “"C:\"”.
    """
    if options.escape:
        # A quote that escapes a quote is the doubling that is understood in any case.
        return options.escape if options.escape != csv_format.quote else None
    if _ESCAPE + csv_format.quote not in sample.text:
        return None
    escaped = replace(csv_format, escape=_ESCAPE)
    with_escape = _consistent_lines(sample.lines, escaped, comment)
    with_doubling = _consistent_lines(sample.lines, csv_format, comment)
    return _ESCAPE if with_escape > with_doubling else None


def _consistent_lines(lines: Sequence[str], csv_format: CsvFormat, comment: str | None) -> int:
    """Count the lines that belong to well-formed records of the most common width."""
    by_width: Counter[int] = Counter()
    for record in read_records(lines, csv_format, comment, max_records=len(lines)):
        if record.well_formed:
            by_width[len(record.cells)] += record.line_count
    return max(by_width.values(), default=0)
