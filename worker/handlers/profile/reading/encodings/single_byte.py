"""Scores how well bytes read in a single-byte encoding look like words of some language.

A score is a logarithm of a probability: each letter beyond ASCII has that of its language (a naive
Bayes model, as language identifiers use it), and what no writer puts into a word costs extra.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from worker.handlers.profile.reading.encodings.languages import LANGUAGES, WESTERN

# How rare files in an encoding are: the logarithm, relative to windows-1252. Among encodings that
# read a text alike, the most common is preferred.
_RARITY = {
    "cp1252": 0.0, "cp1250": 0.7, "cp1251": 0.7, "cp1254": 1.2, "cp1253": 1.2, "cp1257": 1.0,
    "cp1255": 1.6, "cp1256": 1.6, "cp874": 1.8, "iso8859_15": 2.0, "iso8859_2": 1.7,
    "koi8_r": 1.8, "iso8859_9": 2.2, "iso8859_7": 2.2, "iso8859_5": 2.4, "iso8859_13": 2.4,
    "cp850": 2.0, "mac_roman": 2.8, "cp866": 2.0, "cp852": 2.2, "cp437": 2.6, "cp857": 2.6,
    "koi8_u": 2.4, "iso8859_8": 2.6, "iso8859_6": 2.8, "iso8859_4": 2.8,
    "cp737": 2.6, "cp775": 2.8, "cp862": 2.8, "cp865": 2.8, "cp720": 3.2, "cp855": 3.4,
    "mac_cyrillic": 3.0, "mac_latin2": 3.6, "mac_greek": 3.2, "mac_turkish": 3.2, "cp860": 3.4,
    "cp861": 3.2, "cp1125": 3.6, "kz1048": 3.4, "ptcp154": 4.0,
}  # fmt: skip
_MIXED_RARITY = 1.5
# So many encodings are scored in full at least: the runner-up counts, too.
_KEPT = 4
# Logarithms of probabilities, for what is not a letter of the language.
_OTHER_LETTERS = 0.02  # all of them together
_FOREIGN_LETTER = -7.5
_CAPITAL = -0.8
_QUOTE, _COMMON_SYMBOL, _RARE_SYMBOL, _CONTROL = -4.0, -4.5, -9.0, -14.0
# In words: capitals behind small letters and the like, symbols, two scripts, runs of accents.
_CASE, _SYMBOL_INSIDE, _SYMBOL_BESIDE, _SCRIPTS, _ACCENTS, _MISPLACED = -5, -6, -2.5, -4, -2, -3
_LONELY_LETTER, _UNIT = -4, 3
_QUOTES = "“”‘’„«»–—… "
_COMMON_SYMBOLS = "€£§©®™°·•²³½±×µºª¿¡"
_BEHIND_WORDS = "²³°®™©ºª"
# Classes of bytes: a/A ASCII letters, l/U letters of the Latin script, m/M of others with a case,
# n of others without, q quotes, p the apostrophe, t marks that follow a word, i those in front,
# s other symbols.
_CASE_BREAK = re.compile(rb"[alm](?=U)|[am](?=M)|l(?=A)|A(?=[lm]A)|U(?=[lm]U)|M(?=mM)")
# An apostrophe has few letters in front of it (as in the French article) or behind it.
_INSIDE = re.compile(
    rb"[aAlUmMn](?=[sti]+[aAlUmMn]{2})|[aAlUmMn]q(?=[aAlUmMn]{2})|[aAlUmMn]{3}p(?=[aAlUmMn]{2})"
)
_BESIDE = re.compile(rb"[aAlUmMn](?=[si])|s(?=[aAlUmMn])")
_TWO_SCRIPTS = re.compile(rb"[aAlU](?=[mMn])|[mMn](?=[aAlU])|[mM](?=n)|n(?=[mM])")
_ACCENT_RUN = re.compile(rb"[lU](?=[lU]{2})")
_MISPLACED_LETTER = re.compile(r"\b[ßğĞьъыЬЪЫűð]|[ςםןךףץةى](?=[^\W\d_])|[a-zà-ÿ]þ(?=[^\W\d_]{2})")
_LONELY = re.compile(rb"^[lUM]$", re.M)
_UNITS = re.compile(r"^(?:µ[mgslLAVF]|°[CF]|[ckdm]?m[²³]|N[oº]?[º°])$", re.M)


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding by Python's name, the language it was recognised by, and its score."""

    encoding: str
    language: str
    score: float


@cache
def decoding_table(encoding: str) -> str:
    """Return the 256 characters of an encoding; undefined bytes are U+FFFD."""
    return bytes(range(256)).decode(encoding, "replace")


@cache
def _class_table(encoding: str) -> bytes:
    return bytes(ord(_class_of(char)) for char in decoding_table(encoding))


def _class_of(char: str) -> str:
    if char < "\x80":
        return ("a" if char.islower() else "A") if char.isalpha() else "."
    if char in _QUOTES:
        return "p" if char == "’" else "q"
    if char in _BEHIND_WORDS:
        return "t"
    if char in "µ":
        return "i"
    if unicodedata.category(char) in ("Lu", "Ll"):
        latin = unicodedata.name(char).startswith("LATIN")
        return ("lU" if latin else "mM")[char.isupper()]
    return "n" if char.isalpha() or unicodedata.category(char) == "Mn" else "s"


@cache
def _candidates() -> list[tuple[str, str, float, list[float]]]:
    """Return each encoding with each language, the penalty of both, and the scores of bytes."""
    found = []
    for encoding, rarity in _RARITY.items():
        languages = [each for each in LANGUAGES if encoding in each.encodings]
        for language in languages:
            scores = _byte_scores(encoding, language.weights())
            found.append((encoding, language.name, rarity + language.rarity, scores))
        shares: Counter[str] = Counter()
        western = [each for each in LANGUAGES if encoding in WESTERN or "cp1252" in each.encodings]
        for language in {*languages, *western}:
            weights = language.weights()
            for letter, weight in weights.items():
                shares[letter] += round(weight / sum(weights.values()) * 1000)
        scores = _byte_scores(encoding, shares)
        found.append((encoding, "several languages", rarity + _MIXED_RARITY, scores))
    return found


def _byte_scores(encoding: str, weights: Counter[str] | dict[str, int]) -> list[float]:
    """Return the logarithm of the probability of each byte; ASCII is the same in all encodings."""
    table = decoding_table(encoding)
    usable = {letter: weight for letter, weight in weights.items() if letter in table}
    total = sum(usable.values()) or 1
    latin = any(unicodedata.name(letter, "").startswith("LATIN") for letter in usable)
    floor = math.log(_OTHER_LETTERS / 30)
    scores = [0.0] * 256
    for byte in range(128, 256):
        char = table[byte]
        letter = char.lower() if char not in "İ" else "i"
        capital = _CAPITAL if char.isupper() else 0.0
        if letter in usable:
            scores[byte] = math.log(usable[letter] / total * (1 - _OTHER_LETTERS)) + capital
        elif char == "İ" and "ı" in usable:
            scores[byte] = math.log(0.05)
        elif char.isalpha() and char not in _BEHIND_WORDS and char != "µ":
            same_script = unicodedata.name(char).startswith("LATIN") == latin
            scores[byte] = (floor if same_script else _FOREIGN_LETTER - 1) + capital
        else:
            scores[byte] = _symbol_score(char)
    return scores


def _symbol_score(char: str) -> float:
    if char in _QUOTES:
        return _QUOTE
    if char in _COMMON_SYMBOLS:
        return _COMMON_SYMBOL
    return _CONTROL if char == "\ufffd" or unicodedata.category(char) == "Cc" else _RARE_SYMBOL


def rarity(encoding: str) -> float:
    """Return how rare an encoding is, on the scale of the scores; infinite for multi-byte ones."""
    return _RARITY.get(encoding, math.inf)


def rank_single_byte(fragments: Sequence[bytes]) -> list[Guess]:
    """Score the fragments (words with their bytes beyond ASCII) in all encodings, best first."""
    joined = b"\n".join(fragments)
    counts = [(byte, count) for byte, count in Counter(joined).items() if byte > 127]
    best: dict[str, tuple[float, str]] = {}
    for encoding, language, penalty, scores in _candidates():
        score = sum(scores[byte] * count for byte, count in counts) - penalty
        if encoding not in best or score > best[encoding][0]:
            best[encoding] = score, language
    ranked = sorted(best.items(), key=lambda item: -item[1][0])
    guesses: list[Guess] = []
    for encoding, (score, language) in ranked:
        # Words rarely raise a score: what is behind the best few already stays there.
        if len(guesses) >= _KEPT and score < sorted(each.score for each in guesses)[-_KEPT]:
            break
        guesses.append(Guess(encoding, language, score + _word_penalty(joined, encoding)))
    return sorted(guesses, key=lambda guess: -guess.score)


def _word_penalty(joined: bytes, encoding: str) -> float:
    classes = joined.translate(_class_table(encoding))
    text = joined.decode(encoding, "replace")
    return (
        _CASE * len(_CASE_BREAK.findall(classes))
        + _SYMBOL_INSIDE * len(_INSIDE.findall(classes))
        + _SYMBOL_BESIDE * len(_BESIDE.findall(classes))
        + _SCRIPTS * len(_TWO_SCRIPTS.findall(classes))
        + _ACCENTS * len(_ACCENT_RUN.findall(classes))
        + _MISPLACED * len(_MISPLACED_LETTER.findall(text))
        + _LONELY_LETTER * len(_LONELY.findall(classes))
        + _UNIT * len(_UNITS.findall(text))
    )
