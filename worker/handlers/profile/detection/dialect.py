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
from worker.handlers.profile.detection.comments import (
    Comments,
    detect_sign,
    header_in_block,
    is_rule,
)
from worker.handlers.profile.detection.evidence import SET_BY_OPTION, Evidence
from worker.handlers.profile.detection.hypotheses import Hypothesis, rank
from worker.handlers.profile.detection.records import read_records
from worker.handlers.profile.detection.sample import Sample
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import CsvFormat

SAMPLE_LINES = 1000
DELIMITERS = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", ":": "colon", "^": "caret",
    "~": "tilde", "\x1f": "unit separator", "\x01": "SOH", "*": "asterisk", " ": "space",
}  # fmt: skip
_ESCAPE = "\\"
_CRLF_PER_BARE_LINE_FEED = 2
_LINE_ENDS = re.compile("\r\n|\n|\r")
_DECLARED = re.compile(r"\"?sep=(.)\"?[,;\t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The format of a file, with the evidence for each detected property.

    ``newline`` is CRLF, LF, CR or mixed as far as the sample shows; ``comment`` is what comment
    lines start with, ``comments`` which of these are. ``width`` is how many cells
    most records have. ``has_bare_line_feeds``: in a file of CRLF, LF stands inside records.
    """

    csv_format: CsvFormat
    newline: str
    width: int
    comment: str | None = None
    comments: Comments = field(default_factory=Comments)
    has_bare_line_feeds: bool = False
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
        found["frame"] = Evidence("Every row starts and ends with the delimiter", 0.95)
    elif csv_format.padded:
        found["padded"] = Evidence("Spaces follow almost every delimiter", 0.9)
    csv_format = replace(csv_format, escape=_detect_escape(sample, csv_format, comment, options))
    if comment and not options.comment and _names_header(sample.lines, comment, csv_format):
        comment = None
    return Dialect(
        csv_format,
        _detect_newline(sample.text),
        ranked[0].width,
        comment,
        Comments(comment, always=options.comment is not None, rules=rules),
        _has_bare_line_feeds(sample.text),
        found,
    )


def _has_bare_line_feeds(text: str) -> bool:
    """Whether lines end with CRLF, but for a few that are parts of a record, as it seems."""
    ended = text.count("\r\n")
    bare = text.count("\n") - ended
    return 0 < bare <= ended / _CRLF_PER_BARE_LINE_FEED


def _names_header(lines: Sequence[str], comment: str, csv_format: CsvFormat) -> bool:
    """Whether the only line that starts with the comment sign is the header."""
    marked = [line for line in lines if line.startswith(comment)]
    others = [line for line in lines if line.strip() and not line.startswith(comment)]
    first = next(line for line in lines if line.strip())
    return marked == [first] and header_in_block(marked, others, csv_format)


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
    csv_format = replace(csv_format, escape=None)
    escaped = replace(csv_format, escape=_ESCAPE)
    with_escape = _consistent_lines(sample.lines, escaped, comment)
    with_doubling = _consistent_lines(sample.lines, csv_format, comment)
    return _ESCAPE if with_escape > with_doubling else None


def _consistent_lines(lines: Sequence[str], csv_format: CsvFormat, comment: str | None) -> int:
    """Count the lines that belong to well-formed records of the most common width."""
    by_width: Counter[int] = Counter()
    skipped = {n for n, line in enumerate(lines) if comment and line.startswith(comment)}
    for record in read_records(lines, csv_format, skipped, max_records=len(lines)):
        if record.well_formed:
            by_width[len(record.cells)] += record.line_count
    return max(by_width.values(), default=0)
