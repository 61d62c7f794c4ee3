"""Detects the encoding of a text: by its byte-order mark, its NULs, its validity, or a detector."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from worker.handlers.contract import BadInput
from worker.handlers.profile.options import Options

WINDOW_BYTES = 256 * 1024
REPORT_BYTES = 16 * 1024 * 1024
# Text has next to no control characters besides tab, line ends, form feed and escape. The
# information separators are the delimiters of some databases.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\x00\x1c\x1d\x1e\x1f"))
_MAX_CONTROLS = 0.005
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Which of four bytes of Western text are NUL.
_NUL_PATTERNS = {
    "utf-32-le": (False, True, True, True),
    "utf-32-be": (True, True, True, False),
    "utf-16-le": (False, True, False, True),
    "utf-16-be": (True, False, True, False),
}
_MIN_NULS, _MAX_NULS = 0.4, 0.05  # at the places where NULs are, and at the others
# Their letters are mostly above 127, so text in them can be recognised; all else is read as cp1252.
_NON_WESTERN = frozenset(
    {
        "cp1251", "cp1253", "cp1255", "cp1256", "koi8_r", "iso8859_5", "iso8859_7",
        "mac_cyrillic", "cp866", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "gb18030",
        "gbk", "gb2312", "big5",
    }
)  # fmt: skip
# The share of letters above 127 that Western text does not reach.
_NON_WESTERN_SHARE = 0.3
_DETECTOR_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class DetectedEncoding:
    """An encoding by Python's name for it, with the length of its byte-order mark in bytes.

    ``evidence`` is a sentence for people, ``confidence`` is 0–1; ``by_option``: it was not
    detected.
    """

    name: str
    bom_bytes: int
    evidence: str
    confidence: float
    by_option: bool = False


class Utf8Check:
    """Checks whether a file is UTF-8, at most once; ``ascii``: it has only ASCII characters."""

    def __init__(self, report: Callable[[float], None]) -> None:
        """``report`` gets the share of the file that was checked, 0–1."""
        self.ascii = False
        self._report = report
        self._valid: bool | None = None

    def is_valid(self, path: Path) -> bool:
        """Check every byte. Raises BadInput at a NUL, which no text contains."""
        if self._valid is None:
            self._valid = self._check(path)
        return self._valid

    def _check(self, path: Path) -> bool:
        size = path.stat().st_size
        decoder = codecs.getincrementaldecoder("utf-8")()
        # One buffer for the whole file stays in the processor's cache.
        window = bytearray(WINDOW_BYTES)
        view = memoryview(window)
        position = 0
        ascii_only = True
        with path.open("rb", buffering=0) as file:
            try:
                while read := file.readinto(window):
                    _reject_nul(window, read, position)
                    full = read == WINDOW_BYTES
                    if not (ascii_only and full and window.isascii()):
                        ascii_only = ascii_only and bytes(view[:read]).isascii()
                        decoder.decode(view[:read])
                    position += read
                    if not position % REPORT_BYTES:
                        self._report(position / size)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return False
        self.ascii = ascii_only
        return True


def _reject_nul(data: bytes | bytearray, size: int, offset: int) -> None:
    nul = data.find(0, 0, size)
    if nul >= 0:
        raise BadInput(f"This is not a text file: byte {offset + nul:,} is NUL.")


def detect_encoding(path: Path, head: bytes, options: Options, utf8: Utf8Check) -> DetectedEncoding:
    """Detect the encoding of a file that starts with ``head``.

    Raises:
        BadInput: it is not text.
    """
    bom, by_bom = _find_bom(head)
    if options.encoding:
        name = codecs.lookup(options.encoding).name
        bom_bytes = len(bom) if by_bom == name else 0
        return DetectedEncoding(name, bom_bytes, "Set in the options", 1.0, by_option=True)
    if by_bom and (by_bom != "utf-8" or utf8.is_valid(path)):
        return DetectedEncoding(by_bom, len(bom), "Byte-order mark", 1.0)
    wide = _detect_by_nuls(head)
    if wide:
        return DetectedEncoding(wide, 0, "Almost every character has a NUL byte beside it", 0.95)
    _reject_binary(head)
    if by_bom:
        why = "Byte-order mark, although some bytes are not valid UTF-8"
        return DetectedEncoding("utf-8", len(bom), why, 0.8)
    if utf8.is_valid(path):
        confidence = 0.99 if head.isascii() else 1.0
        return DetectedEncoding("utf-8", 0, "Every byte is valid UTF-8", confidence)
    return _guess_from_characters(head)


def _find_bom(head: bytes) -> tuple[bytes, str]:
    """Return the byte-order mark and its encoding, both empty if there is none."""
    return next(((bom, name) for bom, name in _BOMS if head.startswith(bom)), (b"", ""))


def _guess_from_characters(head: bytes) -> DetectedEncoding:
    if _mostly_utf8(head):
        return DetectedEncoding("utf-8", 0, "Almost all characters are valid UTF-8", 0.7)
    non_western = _guess_non_western(head)
    if non_western:
        return DetectedEncoding(non_western, 0, "Frequency of its characters", 0.6)
    # Every byte string is a text in some single-byte encoding; this one is the most common.
    return DetectedEncoding("cp1252", 0, "Not UTF-8, most likely Western European text", 0.5)


def _detect_by_nuls(head: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 without a byte-order mark by the NULs of Western text."""
    if len(head) < 4:
        return None
    shares = [head[first::4].count(0) / (len(head) // 4) for first in range(4)]
    for name, pattern in _NUL_PATTERNS.items():
        if all(
            share > _MIN_NULS if is_nul else share < _MAX_NULS
            for share, is_nul in zip(shares, pattern, strict=True)
        ):
            return name
    return None


def _reject_binary(head: bytes) -> None:
    _reject_nul(head, len(head), 0)
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > _MAX_CONTROLS * len(head):
        raise BadInput(
            f"This is not a text file: {controls:,} of its first {len(head):,} bytes are control "
            "characters."
        )


def _mostly_utf8(head: bytes) -> bool:
    """Whether most characters beyond ASCII are valid, so that a few bytes are merely damaged."""
    text = head.decode("utf-8", "replace")
    bad = text.count("\N{REPLACEMENT CHARACTER}")
    good = len(text) - bad - len(text.encode("ascii", "ignore"))
    return good > 4 * bad


def _guess_non_western(head: bytes) -> str | None:
    high = len(head) - len(head.decode("ascii", "ignore"))
    letters = sum(byte > 64 for byte in head)
    if high < _NON_WESTERN_SHARE * letters:
        return None
    best = charset_normalizer.from_bytes(head[:_DETECTOR_BYTES]).best()
    if best is None:
        return None
    name = codecs.lookup(best.encoding).name.replace("-", "_")
    return name if name in _NON_WESTERN else None
