"""The ways a sample could be written: every delimiter, quote and escape that it shows signs of."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.csv_record import CLOSING_QUOTES, CsvFormat

# What people separate cells with; how readily each is believed (1: as readily as a comma).
USUAL = {
    ",": 1.0, ";": 1.0, "\t": 1.0, "|": 0.98, "\x1f": 1.0, "\x01": 1.0, "\x1e": 0.9,
    ":": 0.7, "^": 0.85, "~": 0.85, "*": 0.7, " ": 0.75,
}  # fmt: skip
_UNUSUAL = 0.6
# Never a delimiter: they stand inside numbers, dates, words and names.
_NEVER = frozenset("._-'\"`()[]{}<>/+=?\\“”„«»‘’")
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
            escapes = _escapes(text, quote, options)
            found += [CsvFormat(delimiter, quote, escape) for escape in escapes]
    if not options.delimiter:
        found.append(one_column(text))
    return found


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
