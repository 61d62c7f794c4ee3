"""Detects the encoding of a file: by its byte-order mark, its NULs, its validity, or its words."""

import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.byte_scan import ByteScan, sample_lines, scan_bytes
from worker.handlers.profile.reading.encodings.guess import (
    EncodingGuess,
    fragments_of,
    guess_encoding,
    rank,
)
from worker.handlers.profile.reading.encodings.mixed_text import (
    count_sequences,
    is_damaged_utf8,
    is_utf8,
)
from worker.handlers.profile.reading.encodings.multi_byte import ascii_cost
from worker.handlers.profile.reading.encodings.names import display_name
from worker.handlers.profile.reading.encodings.wide import detect_wide

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]")
_DEFAULT = "cp1252"  # of the encodings in which every byte string is a text, the most common
# Logarithms of probabilities, as in :mod:`single_byte`: of the characters of UTF-8 by the first
# that has them, of a file of two encodings, of a damaged word and of each invalid byte in it.
_UTF8_CHARACTERS = (
    ("\u0250", -4.0), ("\u0370", -8.0), ("\u0530", -3.7), ("\u0590", -8.0), ("\u0700", -3.7),
    ("\u1e00", -9.0), ("\u2000", -5.0), ("\u2070", -5.0), ("\u20b0", -6.0), ("\u3000", -9.0),
    ("\u3100", -6.0), ("\u4e00", -10.0), ("\ua000", -7.5), ("\uac00", -10.0), ("\ud7b0", -7.5),
)  # fmt: skip
_UTF8_OTHER = -9.0
_TWO_ENCODINGS, _DAMAGED_WORD, _INVALID_BYTE = -6.0, -6.0, -5.0


_LONELY_CHARACTER = -2.0
# Damage is rare: so many characters are whole for each byte that is not.
_MIN_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class DetectedEncoding:
    """An encoding by Python's name for it, with the length of its byte-order mark in bytes.

    ``evidence`` is a sentence for people, ``confidence`` is 0–1. ``other`` is the encoding of words
    that are not valid in a file of UTF-8; ``guess`` tells what was concluded from the words.
    ``scan`` is None for UTF-16 and UTF-32.
    """

    name: str
    bom_bytes: int
    evidence: str
    confidence: float
    scan: ByteScan | None = None
    other: str | None = None
    guess: EncodingGuess | None = None


def detect_encoding(
    path: Path, head: bytes, options: Options, report: Callable[[float], None]
) -> DetectedEncoding:
    """Detect the encoding of a file that starts with ``head``; ``report`` gets the share done."""
    bom, by_bom = _find_bom(head)
    if options.encoding:
        name = codecs.lookup(options.encoding).name
        bom_bytes = len(bom) if by_bom == name else 0
        scan = None if name.startswith(("utf-16", "utf-32")) else scan_bytes(path, report)
        return DetectedEncoding(name, bom_bytes, "Set in the options", 1.0, scan)
    if by_bom and by_bom != "utf-8":
        return DetectedEncoding(by_bom, len(bom), "Byte-order mark", 1.0)
    wide = None if by_bom else detect_wide(head)
    if wide:
        why = "Line ends and delimiters have a NUL byte beside them, and the rest is text"
        return DetectedEncoding(wide, 0, why, 0.95)
    scan = scan_bytes(path, report)
    if scan.invalid:
        return _judge_words(path, scan, len(bom))
    if scan.is_ascii and _ISO_2022_JP.search(head):
        why = "Escape sequences of ISO-2022-JP"
        return DetectedEncoding("iso2022_jp", 0, why, 0.95, scan)
    if by_bom:
        return DetectedEncoding("utf-8", len(bom), "Byte-order mark", 1.0, scan)
    confidence = 0.99 if scan.is_ascii else 1.0
    return DetectedEncoding("utf-8", 0, "Every byte is valid UTF-8", confidence, scan)


def _find_bom(head: bytes) -> tuple[bytes, str]:
    """Return the byte-order mark and its encoding, both empty if there is none."""
    return next(((bom, name) for bom, name in _BOMS if head.startswith(bom)), (b"", ""))


def _judge_words(path: Path, scan: ByteScan, bom_bytes: int) -> DetectedEncoding:
    """Judge a file that is not valid UTF-8 by its words with bytes beyond ASCII."""
    words = fragments_of(sample_lines(path, scan.invalid, scan.end))
    words += fragments_of(sample_lines(path, scan.beyond_ascii, scan.end))
    words = list(dict.fromkeys(words))
    valid = [word for word in words if is_utf8(word)]
    damaged = [word for word in words if not is_utf8(word) and is_damaged_utf8(word)]
    others = [word for word in words if not is_utf8(word) and not is_damaged_utf8(word)]
    if bom_bytes or _is_mostly_utf8(valid, damaged, others):
        guess = guess_encoding(others) if others else None
        share = (len(valid) + 1) / (len(valid) + len(others) + 1)
        why = "Byte-order mark" if bom_bytes else "Most words beyond ASCII are valid UTF-8"
        confidence = round(0.75 + 0.2 * share, 2)
        other = guess.encoding if guess else _DEFAULT
        return DetectedEncoding(
            "utf-8", bom_bytes, f"{why}, but some are not", confidence, scan, other, guess
        )
    guess = guess_encoding(words)
    name = codecs.lookup(guess.encoding).name
    return DetectedEncoding(name, 0, _evidence(guess), guess.confidence, scan, guess=guess)


def _evidence(guess: EncodingGuess) -> str:
    why = f"Not UTF-8; its words look like {guess.language} in {display_name(guess.encoding)}"
    return f"{why}, next best {display_name(guess.runner_up)}" if guess.runner_up else why


def _is_mostly_utf8(
    valid: Sequence[bytes], damaged: Sequence[bytes], others: Sequence[bytes]
) -> bool:
    """Whether UTF-8 with words in another encoding explains all better than one encoding does."""
    characters, other_bytes = count_sequences(b"\n".join([*valid, *damaged]))
    if characters < max(1, _MIN_CHARACTERS * other_bytes):
        return False
    words = [*valid, *damaged, *others]
    mixed = _TWO_ENCODINGS + _utf8_score(valid) + _utf8_score(damaged)
    mixed += _DAMAGED_WORD * len(damaged)
    mixed += rank(others)[0].score if others else 0.0
    return mixed > rank(words)[0].score


def _utf8_score(words: Sequence[bytes]) -> float:
    joined = b"\n".join(words)
    text = joined.decode("utf-8", "ignore")
    score = ascii_cost(words) + _INVALID_BYTE * (len(joined) - len(text.encode()))
    for char in text:
        if char >= "\x80":
            score += next((each for end, each in _UTF8_CHARACTERS if char < end), _UTF8_OTHER)
    # A pair of bytes that happens to be valid stands alone.
    return score + _LONELY_CHARACTER * sum(len(word) == 2 for word in words)
