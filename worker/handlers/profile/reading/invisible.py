"""Characters that take no room and mean nothing in the name of a column."""

# Zero-width space, direction marks and overrides, word joiner, byte-order mark. The joiners
# (U+200C, U+200D) belong to the spelling of Persian and Indian words, and stay.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"))


def strip_invisible(text: str) -> str:
    """Return the text without invisible characters."""
    return text if text.isascii() else text.translate(_INVISIBLE)
