"""Which encoding a text is in: by its mark, its pattern of NULs, its validity, or a detector."""

import codecs
from collections.abc import Callable
from pathlib import Path

import charset_normalizer

from worker.handlers.contract import BadInput
from worker.handlers.profile.options import Options

WINDOW_BYTES = 256 * 1024
REPORT_BYTES = 16 * 1024 * 1024
# Text has next to no control characters besides tab, line ends, form feed and escape. The
# information separators are some databases' delimiters.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\x00\x1c\x1d\x1e\x1f"))
_MAX_CONTROLS = 0.005
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Whose letters are mostly above 127, so that text in them shows; others are taken for cp1252.
_NON_WESTERN = frozenset(
    {
        "cp1251", "cp1253", "cp1255", "cp1256", "koi8_r", "iso8859_5", "iso8859_7",
        "mac_cyrillic", "cp866", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "gb18030",
        "gbk", "gb2312", "big5",
    }
)  # fmt: skip
# Of the bytes above 127: in Western text they are letters here and there.
_WESTERN_SHARE = 0.3


class Utf8Check:
    """Whether a file is UTF-8; ``ascii`` whether it is no more than ASCII."""

    def __init__(self, report: Callable[[float], None]) -> None:
        """``report`` gets the share of the file that was looked at, 0–1."""
        self.ascii = False
        self._report = report
        self._valid: bool | None = None

    def is_valid(self, path: Path) -> bool:
        """Look at every byte, once. Raises BadInput at a NUL, which no text contains."""
        if self._valid is None:
            self._valid = self._decode_all(path)
        return self._valid

    def _decode_all(self, path: Path) -> bool:
        size = path.stat().st_size
        decoder = codecs.getincrementaldecoder("utf-8")()
        # In one place of memory, which the processor keeps at hand.
        window = bytearray(WINDOW_BYTES)
        view = memoryview(window)
        position = 0
        ascii_only = True
        with path.open("rb", buffering=0) as file:
            try:
                while read := file.readinto(window):
                    nul = window.find(0, 0, read)
                    if nul >= 0:
                        raise BadInput(
                            f"This is not a text file: byte {position + nul:,} is NUL, which no "
                            "text contains."
                        )
                    whole = read == WINDOW_BYTES
                    if not (ascii_only and whole and window.isascii()):
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


def detect_encoding(
    path: Path, head: bytes, options: Options, utf8: Utf8Check
) -> tuple[str, int, str, float]:
    """Return the encoding, the length of its byte-order mark, the evidence and confidence in it."""
    bom, by_bom = next(((bom, name) for bom, name in _BOMS if head.startswith(bom)), (b"", ""))
    if options.encoding:
        known = codecs.lookup(options.encoding).name
        fits = by_bom and codecs.lookup(by_bom).name == known
        return known, len(bom) if fits else 0, "the options", 1.0
    if by_bom and not (by_bom == "utf-8" and not utf8.is_valid(path)):
        return by_bom, len(bom), "its byte-order mark", 1.0
    wide = _by_nul_pattern(head)
    if wide:
        return wide, 0, "a NUL beside almost every character", 0.95
    _reject_binary(head)
    if utf8.is_valid(path):
        plain = head.isascii()
        return "utf-8", 0, "every byte of it is valid UTF-8", 0.99 if plain else 1.0
    if by_bom:
        return "utf-8", len(bom), "its byte-order mark, though not all of it is UTF-8", 0.8
    if _mostly_utf8(head):
        return "utf-8", 0, "almost all of it is UTF-8", 0.7
    suggested = _guess_other_script(head)
    if suggested:
        return suggested, 0, "the frequency of its characters", 0.6
    # Every byte string is some single-byte text; this is the one seen most.
    return "cp1252", 0, "it is not UTF-8, and Western text is the most likely", 0.5


def _by_nul_pattern(head: bytes) -> str | None:
    """Tell UTF-16 and UTF-32 without a BOM by their NULs, as Western text has them."""
    if len(head) < 4:
        return None
    shares = [head[first::4].count(0) / (len(head) // 4) for first in range(4)]
    full = [share > 0.4 for share in shares]
    bare = [share < 0.05 for share in shares]
    if bare[0] and all(full[1:]):
        return "utf-32-le"
    if bare[3] and all(full[:3]):
        return "utf-32-be"
    if full[1] and full[3] and bare[0] and bare[2]:
        return "utf-16-le"
    if full[0] and full[2] and bare[1] and bare[3]:
        return "utf-16-be"
    return None


def _reject_binary(head: bytes) -> None:
    nul = head.find(0)
    if nul >= 0:
        raise BadInput(f"This is not a text file: byte {nul:,} is NUL, which no text contains.")
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > _MAX_CONTROLS * len(head):
        raise BadInput(
            f"This is not a text file: {controls:,} of its first {len(head):,} bytes are control "
            "characters."
        )


def _mostly_utf8(head: bytes) -> bool:
    """Whether most characters beyond ASCII are valid: a few damaged bytes make no other text."""
    text = head.decode("utf-8", "replace")
    bad = text.count("\N{REPLACEMENT CHARACTER}")
    good = len(text) - bad - len(text.encode("ascii", "ignore"))
    return good > 4 * bad


def _guess_other_script(head: bytes) -> str | None:
    high = len(head) - len(head.decode("ascii", "ignore"))
    letters = sum(byte > 64 for byte in head)
    if high < _WESTERN_SHARE * letters:
        return None
    best = charset_normalizer.from_bytes(head[:16384]).best()
    if best is None:
        return None
    name = codecs.lookup(best.encoding).name.replace("-", "_")
    return name if name in _NON_WESTERN else None
