"""How the file is written: delimiter, quote, escape, line ends; judged on its beginning.

The engine's own sniffer takes a ragged file for one column and skips rows in front of a wide one
without a word; so we look ourselves and tell the engine everything. Each line votes on its own: a
quote that never closes, or a preamble, spoils one vote and not the sample.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.handlers.profile.detection.value_shapes import shape
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import Cell, CsvFormat, parse

SAMPLE_LINES = 1000
JUDGED_CELLS = 4000
DELIMITERS = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", ":": "colon", "^": "caret",
    "~": "tilde", "\x1f": "unit separator", "\x01": "SOH", "*": "asterisk", " ": "space",
}  # fmt: skip
# The usual ones are believed with less evidence.
_USUAL = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 0.98, "\x1f": 1.0, "\x01": 1.0}
_UNUSUAL = 0.75
# The first line is a header more often than not: a delimiter should be in it.
_NOT_IN_FIRST = 0.5
_KNOWN = {"text": 0.35, "words": 0.9}
_LINE_ENDS = re.compile("\r\n|\n|\r")
_SINGLE = 0.02


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read the file, and why we think so.

    ``newline`` is CRLF, LF, CR or mixed as far as the sample shows; ``evidence`` has a sentence
    and a confidence, 0–1, for each finding.
    """

    csv_format: CsvFormat
    newline: str
    comment: str | None = None
    evidence: dict[str, tuple[str, float]] = field(default_factory=dict)

    def describe(self) -> dict[str, object]:
        """JSON for the result."""
        csv_format = self.csv_format
        return {
            "delimiter": DELIMITERS.get(csv_format.delimiter, csv_format.delimiter),
            "quote": csv_format.quote,
            "escape": csv_format.escape,
            "padded": csv_format.padded,
            "line_ends": self.newline,
            "comment": self.comment,
            "evidence": {
                name: {"why": why, "confidence": round(confidence, 2)}
                for name, (why, confidence) in self.evidence.items()
            },
        }


def detect(sample: str, options: Options) -> Dialect:
    """Judge the sample; what the options say is not judged."""
    newline = _newline(sample)
    lines = [line for line in _LINE_ENDS.split(sample)[:SAMPLE_LINES] if line.strip()]
    comment = options.comment or _comment(lines)
    if comment:
        lines = [line for line in lines if not line.startswith(comment)] or lines
    candidates = _candidates(options, lines)
    scores = {csv_format: _score(lines, csv_format) for csv_format in candidates}
    best = max(scores, key=lambda csv_format: scores[csv_format][0])
    score, agreeing, width = scores[best]
    second = max(
        (s for csv_format, (s, _, _) in scores.items() if csv_format.delimiter != best.delimiter),
        default=0.0,
    )
    confidence = 1.0 if options.delimiter else max(0.0, 1 - second / score) if score else 0.0
    why = (
        "the options"
        if options.delimiter
        else f"{agreeing:.0%} of {len(lines):,} lines have {width:,} cells"
    )
    evidence = {"delimiter": (why, confidence)}
    quote = _quote(lines, best, options, evidence)
    csv_format = CsvFormat(best.delimiter, quote, _escape(sample, quote, best, options))
    if csv_format.delimiter != " " and _padded(lines, csv_format):
        csv_format = CsvFormat(
            csv_format.delimiter, csv_format.quote, csv_format.escape, padded=True
        )
        evidence["padded"] = ("blanks stand beside every delimiter", 0.9)
    return Dialect(csv_format, newline, comment, evidence)


def _newline(sample: str) -> str:
    found = Counter(_LINE_ENDS.findall(sample))
    if len(found) > 1:
        # Inside quotes other line ends are data, as in every address field of a spreadsheet.
        found = Counter(_LINE_ENDS.findall(re.sub(r'"[^"]*"', "", sample))) or found
    names = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}
    if not found:
        return "LF"
    return names[next(iter(found))] if len(found) == 1 else "mixed"


def _comment(lines: Sequence[str]) -> str | None:
    """A sign that begins some lines which look unlike all others."""
    marked = [line for line in lines if line.startswith("#")]
    if not marked or len(marked) == len(lines):
        return None
    others = [line for line in lines if not line.startswith("#")]
    for delimiter in ",;\t|":
        width = Counter(line.count(delimiter) for line in others).most_common(1)[0][0]
        if width and all(line.count(delimiter) == width for line in marked):
            return None  # a column whose name or values begin with it
    return "#"


def _candidates(options: Options, lines: Sequence[str]) -> list[CsvFormat]:
    text = "\n".join(lines[:200])
    delimiters = [options.delimiter] if options.delimiter else [d for d in DELIMITERS if d in text]
    quotes: list[str | None] = [options.quote] if options.quote else ['"']
    if not options.quote and "'" in text and re.search(r"(^|[^\w\s])'.*'([^\w\s]|$)", text, re.M):
        quotes.append("'")
    return [CsvFormat(d, q) for d in delimiters or [","] for q in quotes]


def _score(lines: Sequence[str], csv_format: CsvFormat) -> tuple[float, float, int]:
    """How well the lines agree on a width, and how sensible the cells are; share; width."""
    rows: list[list[Cell]] = []
    for line in lines:
        parsed = parse(line, csv_format)
        if not parsed.unterminated and not parsed.malformed:
            rows.append(parsed.cells)
    if not rows:
        return 0.0, 0.0, 1
    # LineReader that end inside a quote or begin in one say nothing about the width.
    counts = Counter(map(len, rows))
    width = max(counts, key=lambda n: counts[n] * (n - 1 if n > 1 else _SINGLE))
    agreeing = counts[width] / len(lines)
    if width == 1:
        return _SINGLE * agreeing, agreeing, 1
    sensible = _sensible([row for row in rows if len(row) == width], csv_format)
    usual = _USUAL.get(csv_format.delimiter, _UNUSUAL)
    if csv_format.delimiter not in lines[0]:
        usual *= _NOT_IN_FIRST
    return (agreeing**2 * (1 - 1 / width) * sensible * usual, agreeing, width)


def _sensible(rows: Sequence[Sequence[Cell]], csv_format: CsvFormat) -> float:
    """How much the cells are like values or words, 0–1: glued ones are like neither."""
    sensible = total = 0.0
    for row in rows:
        for cell in row:
            found = shape(cell)
            sensible += _KNOWN.get(found, 1.0) if found != "empty" else 0.8
            total += 1
            if csv_format.quote == "'" and cell and '"' in cell:
                sensible -= 0.5
        if total > JUDGED_CELLS:
            break
    return sensible / total


def _quote(
    lines: Sequence[str], best: CsvFormat, options: Options, evidence: dict[str, tuple[str, float]]
) -> str | None:
    if options.quote:
        evidence["quote"] = ("the options", 1.0)
        return options.quote
    d = re.escape(best.delimiter)
    counts = {
        quote: sum(len(re.findall(rf"(?:^|{d}) ?{quote}|{quote} ?(?:{d}|$)", x)) for x in lines)
        for quote in ('"', "'")
    }
    if counts["'"] > 2 * counts['"'] and best.quote == "'":
        evidence["quote"] = (f"{counts[chr(39)]:,} cells begin or end with it", 0.9)
        return "'"
    if counts['"']:
        evidence["quote"] = (f"{counts[chr(34)]:,} cells begin or end with it", 0.99)
    return '"'


def _escape(sample: str, quote: str | None, best: CsvFormat, options: Options) -> str | None:
    if options.escape:
        # A quote in front of a quote is the doubling that is read in any case.
        return options.escape if options.escape != quote else None
    if not quote or "\\" + quote not in sample:
        return None
    # Backslashes before quotes that close a cell are part of a path, as in "C:\".
    d = re.escape(best.delimiter)
    escaped = len(re.findall(rf"\\{quote}(?!{d}|\r|\n|$)", sample))
    doubled = len(re.findall(rf"[^{d}\r\n]{quote}{quote}[^{d}\r\n]", sample))
    return "\\" if escaped > doubled else None


def _padded(lines: Sequence[str], csv_format: CsvFormat) -> bool:
    """Whether blanks follow nearly every delimiter."""
    delimiters = sum(line.count(csv_format.delimiter) for line in lines)
    padded = sum(line.count(csv_format.delimiter + " ") for line in lines)
    return delimiters > 0 and padded >= 0.9 * delimiters
