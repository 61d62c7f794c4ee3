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
from worker.handlers.profile.detection.comments import Comments, detect_sign, is_rule
from worker.handlers.profile.detection.evidence import SET_BY_OPTION, Evidence
from worker.handlers.profile.detection.hypotheses import Hypothesis, rank
from worker.handlers.profile.detection.sample import Sample
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import CsvFormat

SAMPLE_LINES = 1000
MAX_JUDGED_CELLS = 4000
DELIMITERS = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", ":": "colon", "^": "caret",
    "~": "tilde", "\x1f": "unit separator", "\x01": "SOH", "*": "asterisk", " ": "space",
}  # fmt: skip
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
_DECLARED = re.compile(r"\"?sep=(.)\"?[,;\t]*", re.IGNORECASE)
_APOSTROPHE_QUOTED = re.compile(r"(^|[^\w\s])'.*'([^\w\s]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The format of a file, with the evidence for each detected property.

    ``newline`` is CRLF, LF, CR or mixed as far as the sample shows; ``comment`` is what comment
    lines start with, ``comments`` which of these are. ``width`` is how many cells
    most records have.
    """

    csv_format: CsvFormat
    newline: str
    width: int
    comment: str | None = None
    comments: Comments = field(default_factory=Comments)
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


def detect_dialect(sample: Sample, options: Options) -> Dialect:
    """Detect the dialect of the sample; whatever the options set is taken from them."""
    lines = [line for line in sample.lines[:SAMPLE_LINES] if line.strip()]
    separator = declared_separator(lines[0]) if lines else None
    if separator and not options.delimiter:
        lines = lines[1:] or lines
        options = options.model_copy(update={"delimiter": separator})
    comment = options.comment or detect_sign(lines)
    if comment:
        lines = [line for line in lines if not line.startswith(comment)] or lines
    ruled = [line for line in lines if not is_rule(line)]
    ranked = rank(ruled or lines, options)
    rules = bool(ruled) and len(ruled) < len(lines) and ranked[0].csv_format.delimiter == "|"
    csv_format = ranked[0].csv_format
    found = {"delimiter": _delimiter_evidence(ranked, len(lines), options)}
    quote_evidence = _quote_evidence(lines, csv_format, options)
    if quote_evidence:
        found["quote"] = quote_evidence
    if csv_format.framed:
        found["frame"] = Evidence(
            "A delimiter stands before the first and after the last cell", 0.95
        )
    elif csv_format.delimiter != " " and _is_padded(lines, csv_format.delimiter):
        csv_format = replace(csv_format, padded=True)
        found["padded"] = Evidence("Spaces follow almost every delimiter", 0.9)
    return Dialect(
        csv_format,
        _detect_newline(sample.text),
        ranked[0].width,
        comment,
        Comments(comment, always=options.comment is not None, rules=rules),
        found,
    )


def declared_separator(line: str) -> str | None:
    """Return the delimiter that a first line such as `sep=;` declares to spreadsheets."""
    found = _DECLARED.fullmatch(line.strip())
    return found[1] if found else None


def _detect_newline(text: str) -> str:
    found = Counter(_LINE_ENDS.findall(text))
    if len(found) > 1:
        # Inside quotes other line ends are data, as in every address field of a spreadsheet.
        found = Counter(_LINE_ENDS.findall(re.sub(r'"[^"]*"', "", text))) or found
    if not found:
        return "LF"
    names = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}
    return names[next(iter(found))] if len(found) == 1 else "mixed"


def _delimiter_evidence(ranked: Sequence[Hypothesis], lines: int, options: Options) -> Evidence:
    if options.delimiter:
        return SET_BY_OPTION
    won = ranked[0]
    others = [
        each.score for each in ranked if each.csv_format.delimiter != won.csv_format.delimiter
    ]
    confidence = max(0.0, 1 - max(others, default=0.0) / won.score) if won.score else 0.0
    verb = "has" if lines == 1 else "have"
    why = f"{won.share:.0%} of {counted(lines, 'line')} {verb} {counted(won.width, 'cell')}"
    return Evidence(why, confidence)


def _quote_evidence(
    lines: Sequence[str], csv_format: CsvFormat, options: Options
) -> Evidence | None:
    if options.quote:
        return SET_BY_OPTION
    delimiter, quote = re.escape(csv_format.delimiter), csv_format.quote
    if not _count(rf"(?:^|{delimiter}) ?{quote}|{quote} ?(?:{delimiter}|$)", lines):
        return None
    return Evidence(_quoted_cells(quote, delimiter, lines), 0.99 if quote == '"' else 0.9)


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
