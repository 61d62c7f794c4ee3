"""The ways a sample could be written: every delimiter, quote and escape that it shows signs of."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import CLOSING_QUOTES, CsvFormat, parse

# What people separate cells with; how readily each is believed (1: as readily as a comma).
USUAL = {
    ",": 1.0, ";": 1.0, "\t": 1.0, "|": 0.98, "\x1f": 1.0, "\x01": 1.0, "\x1e": 0.9,
    ":": 0.7, "^": 0.85, "~": 0.85, "*": 0.7, " ": 0.75,
}  # fmt: skip
_UNUSUAL = 0.6
# Never a delimiter: they stand inside numbers, dates, words and names.
_NEVER = frozenset("._-'\"`()[]{}<>/+=?\\“”„«»‘’")
_FRAMED, _WRAPPED = 0.8, 0.95
_SHARE = 0.6  # of the lines must hold an unusual delimiter
_RUN = re.compile(r"[^\w\s\"'.()\[\]{}<>“”„«»‘’/+=-]{2,4}")
# A delimiter that does not occur makes the whole line one cell.
_ABSENT = ("\x1f", "\x1e", "\x1d", "\x1c", "\x02")


def prior(delimiter: str) -> float:
    """Return how readily a delimiter is believed, 0-1."""
    if len(delimiter) > 1:
        return 0.9
    return USUAL.get(delimiter, _UNUSUAL)


def one_column(text: str) -> CsvFormat:
    """Return the format under which every line of ``text`` is one cell."""
    delimiter = next((sign for sign in _ABSENT if sign not in text), _ABSENT[0])
    return CsvFormat(delimiter, one_column=True)


def candidates(lines: Sequence[str], options: Options) -> list[CsvFormat]:
    """Return the formats worth trying on ``lines``; what the options say is kept."""
    text = "\n".join(lines)
    found: list[CsvFormat] = []
    for delimiter in [options.delimiter] if options.delimiter else _delimiters(lines, text):
        for quote in [options.quote] if options.quote else list(_quotes(text, delimiter)):
            padded = delimiter != " " and is_padded(lines, delimiter)
            for escape in _escapes(text, quote, options):
                found.extend(_formats(lines, CsvFormat(delimiter, quote, escape, padded)))
    if not options.delimiter:
        found.append(one_column(text))
    return found


def is_padded(lines: Sequence[str], delimiter: str) -> bool:
    """Whether a space follows nearly every delimiter."""
    delimiters = sum(line.count(delimiter) for line in lines)
    padded = sum(line.count(delimiter + " ") for line in lines)
    return delimiters > 0 and padded >= 0.9 * delimiters


def _formats(lines: Sequence[str], csv_format: CsvFormat) -> Iterator[CsvFormat]:
    """Yield a format, or the variant of it that all lines have the marks of."""
    delimiter, quote = csv_format.delimiter, csv_format.quote
    framed = sum(_is_between(line.strip(), delimiter) for line in lines)
    wrapped = sum(_is_between(line.strip(), quote) and delimiter in line for line in lines)
    if delimiter == "|" and framed >= _FRAMED * len(lines):
        yield replace(csv_format, framed=True, padded=True)
    elif wrapped >= _WRAPPED * len(lines) and all(_is_one_cell(line, csv_format) for line in lines):
        yield replace(csv_format, wrapped=True)
    else:
        yield csv_format


def _is_between(line: str, sign: str) -> bool:
    return len(line) > 2 * len(sign) and line.startswith(sign) and line.endswith(sign)


def _is_one_cell(line: str, csv_format: CsvFormat) -> bool:
    parsed = parse(line, csv_format)
    return parsed.well_formed and len(parsed.cells) == 1


def _delimiters(lines: Sequence[str], text: str) -> list[str]:
    found = [sign for sign in USUAL if sign in text]
    enough = _SHARE * len(lines)
    present = Counter(sign for line in lines for sign in set(line))
    found += [
        sign
        for sign, count in present.items()
        if count >= enough and sign not in USUAL and sign not in _NEVER
        and not sign.isalnum() and not sign.isspace() and sign.isprintable()
    ]  # fmt: skip
    runs = Counter(run for line in lines for run in set(_RUN.findall(line)))
    found += [run for run, count in runs.items() if count >= enough]
    return found


def _quotes(text: str, delimiter: str) -> Iterator[str]:
    yield '"'
    if delimiter in "'":
        return
    if "'" in text and re.search(r"(^|[^\w\s])'.*'([^\w\s]|$)", text, re.MULTILINE):
        yield "'"
    for opening, closing in CLOSING_QUOTES.items():
        if opening in text and closing in text:
            yield opening


def _escapes(text: str, quote: str, options: Options) -> list[str | None]:
    if options.escape:
        # A quote before a quote is the doubling that is read in any case.
        return [options.escape if options.escape != quote else None]
    return [None, "\\"] if "\\" + quote in text else [None]
