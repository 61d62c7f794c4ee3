"""Guesses the encoding of text that has no byte-order mark and is not UTF-8."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.handlers.profile.reading.encodings.multi_byte import ascii_cost, rank_multi_byte
from worker.handlers.profile.reading.encodings.single_byte import Guess, rank_single_byte, rarity

MAX_FRAGMENTS = 3000
MAX_FRAGMENT_BYTES = 60_000
# Words with their bytes beyond ASCII, and what may be a later byte of a character: in GB 18030
# digits may be, too.
FRAGMENT = re.compile(
    rb"(?<![@-~\x80-\xff])[@-~]*+[\x80-\xff]"
    rb"(?:[@-~\x80-\xff]|(?<=[\x81-\xfe])[0-9](?=[\x81-\xfe]))*+"
)
_LETTERS = re.compile(r"[^\W\d_]+")
# Measured: how sure a difference between two scores makes the better one.
_CERTAINTY = 0.6
_MAX_CONFIDENCE = 0.97
_TIE = 3.0
_POOR_FIT, _POOR_CONFIDENCE = -6.0, 0.5


@dataclass(frozen=True, slots=True)
class EncodingGuess:
    """An encoding by Python's name; ``runner_up`` is the next best that reads other text.

    ``examples`` are a few words as the encoding reads them.
    """

    encoding: str
    language: str
    confidence: float
    runner_up: str | None
    examples: tuple[str, ...]


def fragments_of(lines: Iterable[bytes]) -> list[bytes]:
    """Return the distinct words of the lines that have bytes beyond ASCII, up to a limit."""
    found: dict[bytes, None] = {}
    size = 0
    for line in lines:
        for fragment in FRAGMENT.findall(line):
            if fragment not in found:
                found[fragment] = None
                size += len(fragment)
        if len(found) >= MAX_FRAGMENTS or size >= MAX_FRAGMENT_BYTES:
            break
    return list(found)


def rank(fragments: Sequence[bytes]) -> list[Guess]:
    """Score the fragments in all encodings, best first."""
    offset = ascii_cost(fragments)
    single = [
        Guess(each.encoding, each.language, each.score + offset)
        for each in rank_single_byte(fragments)
    ]
    return sorted([*single, *rank_multi_byte(fragments)], key=lambda guess: -guess.score)


def guess_encoding(fragments: Sequence[bytes]) -> EncodingGuess:
    """Guess the encoding of the fragments, which are not empty."""
    ranked = rank(fragments)
    joined = b"\n".join(fragments)
    text = joined.decode(ranked[0].encoding, "replace")
    best = _most_common(ranked, joined, text)
    runner_up = next(
        (each for each in ranked[1:] if joined.decode(each.encoding, "replace") != text), None
    )
    margin = best.score - runner_up.score if runner_up else math.inf
    confidence = min(_MAX_CONFIDENCE, 1 / (1 + math.exp(-_CERTAINTY * margin)))
    beyond_ascii = sum(byte > 127 for byte in joined)
    if best.score - ascii_cost(fragments) < _POOR_FIT * beyond_ascii:
        confidence = min(confidence, _POOR_CONFIDENCE)
    return EncodingGuess(
        best.encoding,
        best.language,
        round(confidence, 2),
        runner_up.encoding if runner_up else None,
        _examples(text),
    )


def _most_common(ranked: Sequence[Guess], joined: bytes, text: str) -> Guess:
    """Of the best guess and those little behind that read the same text, return the most common."""
    close = [each for each in ranked if each.score >= ranked[0].score - _TIE]
    same = [each for each in close if joined.decode(each.encoding, "replace") == text]
    return min(same, key=lambda guess: rarity(guess.encoding))


def _examples(text: str) -> tuple[str, ...]:
    """Return up to two words with letters beyond ASCII, the longest of the first."""
    words = [word for word in _LETTERS.findall(text[:2000]) if not word.isascii()]
    longest = sorted(dict.fromkeys(words), key=lambda word: -len(word[:16]))[:2]
    return tuple(word[:40] for word in longest)
