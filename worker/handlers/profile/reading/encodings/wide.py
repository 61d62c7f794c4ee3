"""Recognises UTF-16 and UTF-32 that have no byte-order mark.

The line ends and delimiters of a CSV file are ASCII in every script, so half of their bytes are
NUL, always on the same side; what is decoded must then be text.
"""

import unicodedata

_MIN_NULS = 0.02
_MIN_ON_ONE_SIDE = 0.95
_MIN_TEXT = 0.95
_MAX_SCRIPTS = 4
_LINE_END_BYTES = b"\r\n"


def detect_wide(head: bytes) -> str | None:
    """Return the encoding of a file that starts with ``head``, None if it is neither."""
    head = head[: len(head) // 4 * 4] or head[: len(head) // 2 * 2]
    if head.count(0) < max(1, _MIN_NULS * len(head)):
        return None
    for encoding in ("utf-32-le", "utf-32-be"):
        text = _decode(head, encoding)
        if text and "\0" not in text and _is_text(text):
            return encoding
    even, odd = head[::2].count(0), head[1::2].count(0)
    encoding = "utf-16-be" if even > odd else "utf-16-le"
    if max(even, odd) < _MIN_ON_ONE_SIDE * (even + odd) or not _line_ends_are_wide(head, encoding):
        return None
    text = _decode(head, encoding)
    return encoding if text and _is_text(text) else None


def _decode(head: bytes, encoding: str) -> str:
    """Decode, leaving away half a character at the end; "" if that is not possible."""
    for cut in (0, 2):
        try:
            return head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""


def _line_ends_are_wide(head: bytes, encoding: str) -> bool:
    """Whether most CR and LF bytes are characters, rather than halves of others."""
    low = head[::2] if encoding == "utf-16-le" else head[1::2]
    high = head[1::2] if encoding == "utf-16-le" else head[::2]
    characters = sum(
        byte in _LINE_END_BYTES and not other for byte, other in zip(low, high, strict=True)
    )
    total = sum(byte in _LINE_END_BYTES for byte in head)
    return 2 * characters >= total


def _is_text(text: str) -> bool:
    """Whether nearly all characters are printable, and their scripts few."""
    printable = sum(char.isprintable() or char in "\t\r\n\0" for char in text)
    letters = {char for char in text[:4096] if char.isalpha()}
    scripts = {unicodedata.name(char, "?").split()[0] for char in letters}
    return printable >= _MIN_TEXT * len(text) and len(scripts) <= _MAX_SCRIPTS
