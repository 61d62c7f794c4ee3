"""Tells plain prose from a table, so that a text is not read as a column of odd records.

A column of comments is a table: it has a name on top, and each line is a text of its own. Prose has
paragraphs, in which sentences follow each other or go on from line to line.
"""

import re
from collections import Counter
from itertools import pairwise

from worker.handlers.profile.reading.other_formats.file_formats import not_csv

_MIN_SENTENCES, _MIN_WORDS = 4, 40
_SENTENCE_END = re.compile(r"[.!?…][\"”’)»]*(?=\s|\Z)")
_WORD = re.compile(r"[^\W\d_]{2,}")
_MIN_LETTERS = 0.9
_DELIMITERS = tuple(map(re.compile, (r",(?!\s)", ";", r"\t", r"\|")))


def reject_prose(text: str) -> None:
    """Raise BadInput if the text is prose."""
    if is_prose(text):
        raise not_csv("plain prose", "It has no table that could be read.")


def is_prose(text: str) -> bool:
    """Whether a text is several paragraphs, or many lines, of sentences, without a table in it."""
    text = text.strip("\ufeff\r\n ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not _has_long_sentences(text) or _is_header(lines[0]) or _has_columns(lines):
        return False
    paragraphs = [each for each in re.split(r"(?:\r?\n\s*){2,}", text) if each.strip()]
    return _is_written_in_paragraphs(paragraphs) or _continue_over_lines(lines)


def _is_header(line: str) -> bool:
    """Whether a first line looks like the name of a column, or like several."""
    if re.fullmatch(r'"?[a-z]\w*"?', line):
        return True
    return re.search(r"[;\t|]|,(?=\S)", line) is not None and len(line) < 200


def _has_long_sentences(text: str) -> bool:
    words = _WORD.findall(text)
    sentences = len(_SENTENCE_END.findall(text))
    letters = sum(char.isalpha() or char.isspace() for char in text)
    return (
        sentences >= _MIN_SENTENCES
        and len(words) >= _MIN_WORDS
        and 5 <= len(words) / sentences <= 60
        and letters >= _MIN_LETTERS * len(text)
    )


def _has_columns(lines: list[str]) -> bool:
    """Whether most lines have as many delimiters, at least one; commas in texts have a blank."""
    for delimiter in _DELIMITERS:
        counts = Counter(len(delimiter.findall(line)) for line in lines)
        count, times = counts.most_common(1)[0]
        if count and times >= 0.6 * len(lines):
            return True
    return False


def _is_written_in_paragraphs(paragraphs: list[str]) -> bool:
    """Whether most paragraphs are long, and end with a sentence."""
    whole = [
        len(_WORD.findall(each)) >= 12 and _SENTENCE_END.search(each.rstrip()[-3:]) is not None
        for each in paragraphs
    ]
    return sum(whole) >= max(2, 0.5 * len(whole))


def _continue_over_lines(lines: list[str]) -> bool:
    """Whether sentences go on from line to line: most end without a full stop, then go on small."""
    pairs = list(pairwise(lines))
    goes_on = sum(
        not _SENTENCE_END.search(line[-3:]) and following[:1].islower() for line, following in pairs
    )
    widths = sorted(map(len, lines[:-1]))
    return len(lines) >= 4 and goes_on >= 0.5 * len(pairs) and widths[len(widths) // 2] >= 40
