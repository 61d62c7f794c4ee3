"""Scores how well bytes read in the multi-byte encodings of East Asia look like text.

The scores compare with those of :mod:`single_byte`: logarithms of probabilities. Only strictly
valid text is considered; common characters are likely, those at the end of a code chart are not.
"""

import codecs
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.handlers.profile.reading.encodings.common_characters import (
    JAPANESE,
    KOREAN,
    SIMPLIFIED_CHINESE,
    TRADITIONAL_CHINESE,
)
from worker.handlers.profile.reading.encodings.single_byte import Guess

# Logarithms of probabilities.
_UNLIKELY = -14.0
_PUNCTUATION = -8.0
_FULL_WIDTH = -9.0
_HALF_WIDTH_KATAKANA = -5.0
_BESIDE_ASCII = -1.5
_ASCII_LETTER, _ASCII_SIGN = -3.0, -4.5
_MAX_INVALID = 0.02  # of the fragments: some systems cut texts in the middle of a character
_NEXT_TO_LETTER = re.compile(r"[A-Za-z](?=[^\x00-\x7f])|[^\x00-\x7f](?=[A-Za-z])")
_ASCII_SIGNS = re.compile(r"[@\[-`{-~]")


@dataclass(frozen=True, slots=True)
class _Script:
    """A language with the characters it uses most, and the share that these are of its text.

    ``first_level`` tells by its two bytes whether a character is in the common part of the chart.
    """

    language: str
    encoding: str
    rarity: float
    common: frozenset[str]
    common_share: float
    first_level: Callable[[int, int], bool]
    first_level_size: int


_SCRIPTS = (
    _Script("Chinese", "gb18030", 1.0, SIMPLIFIED_CHINESE, 0.7,
            lambda lead, trail: 0xB0 <= lead <= 0xD7 and trail >= 0xA1, 3755),
    _Script("Japanese", "cp932", 1.0, JAPANESE, 0.4, lambda lead, _: 0x88 <= lead <= 0x97, 2965),
    _Script("Chinese", "cp950", 1.3, TRADITIONAL_CHINESE, 0.7,
            lambda lead, _: 0xA4 <= lead <= 0xC6, 5401),
    _Script("Korean", "cp949", 1.0, KOREAN, 0.75,
            lambda lead, trail: 0xB0 <= lead <= 0xC8 and trail >= 0xA1, 2350),
    _Script("Japanese", "euc_jp", 1.6, JAPANESE, 0.4, lambda lead, _: 0xB0 <= lead <= 0xCF, 2965),
)  # fmt: skip


def rank_multi_byte(fragments: Sequence[bytes]) -> list[Guess]:
    """Score the fragments in each encoding in which they are valid, best first."""
    guesses = []
    for script in _SCRIPTS:
        score = _score(fragments, script)
        if score is not None:
            guesses.append(Guess(script.encoding, script.language, score - script.rarity))
    return sorted(guesses, key=lambda guess: -guess.score)


def ascii_cost(fragments: Sequence[bytes]) -> float:
    """Return the score of all ASCII characters in the fragments, for single-byte encodings."""
    return _ascii_score(b"\n".join(fragments).decode("ascii", "ignore"))


def _ascii_score(text: str) -> float:
    signs = len(_ASCII_SIGNS.findall(text))
    ascii_count = len(text.encode("ascii", "ignore")) - text.count("\n")
    return _ASCII_SIGN * signs + _ASCII_LETTER * (ascii_count - signs)


def _score(fragments: Sequence[bytes], script: _Script) -> float | None:
    try:
        text = b"\n".join(fragments).decode(script.encoding)
        score = 0.0
    except UnicodeDecodeError:
        valid = [each for each in fragments if _is_valid(each, script.encoding)]
        invalid = len(fragments) - len(valid)
        if invalid > _MAX_INVALID * len(fragments):
            return None
        text = b"\n".join(valid).decode(script.encoding)
        score = _UNLIKELY * invalid
    for char, count in Counter(text).items():
        if char >= "\x80":
            score += _char_score(char, script) * count
    return score + _ascii_score(text) + _BESIDE_ASCII * len(_NEXT_TO_LETTER.findall(text))


def _is_valid(data: bytes, encoding: str) -> bool:
    try:
        codecs.decode(data, encoding)
    except UnicodeDecodeError:
        return False
    return True


def _char_score(char: str, script: _Script) -> float:
    """Return the logarithm of the probability of a character beyond ASCII."""
    if char in script.common:
        return math.log(script.common_share / len(script.common))
    if "\u3041" <= char <= "\u30ff" and char != "・":
        return -5.3 if script.language == "Japanese" else -11.0
    if "\uff61" <= char <= "\uff9f":
        return _HALF_WIDTH_KATAKANA
    if char in "、。，．・：；？！（）「」『』【】《》〈〉ー〜～“”‘’…　※○●◎△□■◇◆★☆→←↑↓":
        return _PUNCTUATION
    if "\uff01" <= char <= "\uff5e":
        return _FULL_WIDTH
    try:
        code = char.encode(script.encoding)
    except UnicodeEncodeError:
        return _UNLIKELY
    if len(code) == 2 and script.first_level(code[0], code[1]):
        return math.log(0.12 / script.first_level_size)
    if "\u4e00" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3":
        return math.log(0.01 / 4000)
    return _UNLIKELY
