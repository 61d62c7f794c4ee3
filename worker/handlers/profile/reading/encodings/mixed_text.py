"""Decodes UTF-8 in which some words are written in another encoding, or damaged."""

import re
from dataclasses import dataclass, field

from worker.handlers.profile.reading.encodings.guess import FRAGMENT

MAX_LOCATED = 100
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Well-formed sequences of more than one byte (RFC 3629), and the beginning of one at the end.
_VALID_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_MIN_CAPITALS = 4
_CUT_OFF = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are valid UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def is_damaged_utf8(fragment: bytes) -> bool:
    """Whether a word that is not valid UTF-8 has as many characters that are as other bytes."""
    characters, others = count_sequences(fragment)
    return characters >= others


def count_sequences(data: bytes) -> tuple[int, int]:
    """Count the characters of several bytes that are valid UTF-8, and the other high bytes."""
    rest, characters = _VALID_SEQUENCE.subn(b"", data)
    return characters, sum(byte > 127 for byte in rest)


@dataclass(slots=True)
class Undecodable:
    """What could not be decoded as the file's encoding; lines count from 1, bytes from 0.

    ``other_lines`` hold words that were read in another encoding, ``replaced`` characters were
    replaced; only the first of the places are kept.
    """

    other_lines: int = 0
    first_other_lines: list[int] = field(default_factory=list)
    replaced: int = 0
    replaced_bytes: list[int] = field(default_factory=list)
    replaced_line: int = 0

    def note_other(self, line: int) -> None:
        """Note a line that was read in another encoding."""
        self.other_lines += 1
        if len(self.first_other_lines) < MAX_LOCATED:
            self.first_other_lines.append(line)

    def note_replaced(self, count: int, offset: int, line: int) -> None:
        """Note characters that were replaced, the first of them at ``offset``."""
        self.replaced += count
        self.replaced_line = self.replaced_line or line
        if len(self.replaced_bytes) < MAX_LOCATED:
            self.replaced_bytes.append(offset)


class MixedDecoder:
    """Decodes lines of UTF-8, words that are not in the encoding ``other``."""

    def __init__(self, other: str, found: Undecodable) -> None:
        self._other = other
        self._found = found
        self._line = 0
        self._position = 0

    def decode(self, data: bytes, offset: int) -> str:
        """Decode whole lines, which start at ``offset`` bytes; each call continues the last."""
        line_ends = data.count(b"\n") or data.count(b"\r")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = self._decode_lines(data, offset)
        self._line += line_ends
        return text

    def _decode_lines(self, data: bytes, offset: int) -> str:
        out: list[str] = []
        for index, line in enumerate(data.splitlines(keepends=True), self._line + 1):
            try:
                out.append(line.decode("utf-8"))
            except UnicodeDecodeError:
                out.append(self._decode_line(line, offset, index))
            offset += len(line)
        return "".join(out)

    def _decode_line(self, line: bytes, offset: int, number: int) -> str:
        out: list[str] = []
        end = 0
        other = False
        for match in FRAGMENT.finditer(line):
            out.append(line[end : match.start()].decode("ascii", "replace"))
            end = match.end()
            text = self._decode_word(match[0])
            if text is None:
                text = match[0].decode("utf-8", "replace")
                at = offset + match.start() + _first_invalid(match[0])
                self._found.note_replaced(text.count(REPLACEMENT), at, number)
            elif not is_utf8(match[0]):
                other = True
            out.append(text)
        if other:
            self._found.note_other(number)
        out.append(line[end:].decode("ascii", "replace"))
        return "".join(out)

    def _decode_word(self, word: bytes) -> str | None:
        """Decode a word as UTF-8 or in the other encoding; None where it is damaged UTF-8."""
        if is_utf8(word):
            return word.decode("utf-8")
        if is_damaged_utf8(word):
            return None
        try:
            text = word.decode(self._other)
        except UnicodeDecodeError:
            return None
        cut = _CUT_OFF.search(word)
        if cut and len(word) > 1 and (cut[0] == word or _ends_oddly(text)):
            return None
        return text


def _ends_oddly(text: str) -> bool:
    """Whether a word ends with a sign, or a capital behind small or few letters.

    So reads what is left of a character in UTF-8 that was cut off.
    """
    in_capitals = text.isupper() and len(text) >= _MIN_CAPITALS
    return not text[-1].isalpha() or (text[-1].isupper() and not in_capitals)


def _first_invalid(word: bytes) -> int:
    try:
        word.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0
