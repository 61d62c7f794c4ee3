"""From bytes to UTF-8 text: what the file is packed and encoded in, or why it is no text at all."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from worker.handlers.contract import BadInput
from worker.handlers.profile.options import Options
from worker.handlers.profile.unpack import unpack

HEAD_BYTES = 64 * 1024
CHUNK_BYTES = 1024 * 1024
WINDOW_BYTES = 256 * 1024
_REPORT_BYTES = 16 * CHUNK_BYTES
UNPACKED, TEXT = "unpacked.tmp", "text.tmp"
MOST_LOCATED = 100
# Text has next to no control characters besides tab, line ends, form feed and escape. The
# information separators are some databases' delimiters.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\x00\x1c\x1d\x1e\x1f"))
_MOST_CONTROLS = 0.005
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = {
    b"\xd0\xcf\x11\xe0": "an old Excel or Office document; save it as CSV first",
    b"PAR1": "a Parquet file already",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database; export its table as CSV first",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
}
# Whose letters are mostly above 127, so that text in them shows; others are taken for cp1252.
_SUGGESTIONS = frozenset(
    {
        "cp1251", "cp1253", "cp1255", "cp1256", "koi8_r", "iso8859_5", "iso8859_7",
        "mac_cyrillic", "cp866", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "gb18030",
        "gbk", "gb2312", "big5",
    }
)  # fmt: skip
# Of the bytes above 127: in Western text they are letters here and there.
_WESTERN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Text:
    """A UTF-8 file. ``path`` is the upload itself where that is plain UTF-8 already.

    ``skip`` bytes of a byte-order mark stand in front; ``ascii``: no character is beyond them;
    ``replaced`` characters could not be read,
    the first of them at the bytes ``undecodable`` of the unpacked file.
    """

    path: Path
    encoding: str
    bom: bool = False
    compression: str | None = None
    evidence: str = ""
    confidence: float = 1.0
    skip: int = 0
    ascii: bool = False
    replaced: int = 0
    undecodable: tuple[int, ...] = ()

    def describe(self) -> dict[str, object]:
        """JSON for the result."""
        return {
            "name": self.encoding,
            "bom": self.bom,
            "compression": self.compression,
            "evidence": self.evidence,
            "confidence": self.confidence,
            "replaced_characters": self.replaced,
            "undecodable_bytes": list(self.undecodable),
        }


def prepare(
    upload: Path, folder: Path, options: Options, report: Callable[[float], None] = lambda _: None
) -> Text:
    """Unpack, find the encoding, and transcode into ``folder`` where it is not UTF-8.

    ``report`` gets the share done, 0–1.

    Raises:
        BadInput: the file is empty, damaged or not text.
    """
    compression = unpack(upload, folder / UNPACKED, lambda share: report(0.5 * share))
    path = folder / UNPACKED if compression else upload
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        inside = f" inside its {compression} wrapping" if compression else ""
        raise BadInput(f"The file is empty{inside}: there is not even a header line to read.")
    for magic, words in _MAGIC.items():
        if head.startswith(magic):
            raise BadInput(f"This is not a CSV file: it looks like {words}.")
    utf8 = _Utf8(lambda share: report(0.5 + 0.2 * share))
    encoding, skip, evidence, confidence = _encoding(path, head, options, utf8)
    if encoding == "utf-8" and evidence != "the options":
        ascii_only = utf8.ascii
        return Text(path, "utf-8", skip > 0, compression, evidence, confidence, skip, ascii_only)
    replaced, undecodable = _transcode(
        path, folder / TEXT, encoding, skip, lambda share: report(0.7 + 0.3 * share)
    )
    if compression:
        path.unlink()
    return Text(
        folder / TEXT,
        encoding,
        skip > 0,
        compression,
        evidence,
        confidence,
        replaced=replaced,
        undecodable=tuple(undecodable),
    )


def _encoding(
    path: Path, head: bytes, options: Options, utf8: "_Utf8"
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
    _refuse_binary(head)
    if utf8.is_valid(path):
        plain = head.isascii()
        return "utf-8", 0, "every byte of it is valid UTF-8", 0.99 if plain else 1.0
    if by_bom:
        return "utf-8", len(bom), "its byte-order mark, though not all of it is UTF-8", 0.8
    if _mostly_utf8(head):
        return "utf-8", 0, "almost all of it is UTF-8", 0.7
    suggested = _suggested(head)
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


def _refuse_binary(head: bytes) -> None:
    nul = head.find(0)
    if nul >= 0:
        raise BadInput(f"This is not a text file: byte {nul:,} is NUL, which no text contains.")
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > _MOST_CONTROLS * len(head):
        raise BadInput(
            f"This is not a text file: {controls:,} of its first {len(head):,} bytes are control "
            "characters."
        )


class _Utf8:
    """Whether a file is UTF-8; ``ascii`` whether it is no more than ASCII."""

    def __init__(self, report: Callable[[float], None]) -> None:
        """``report`` gets the share of the file that was looked at, 0–1."""
        self.ascii = False
        self._report = report
        self._valid: bool | None = None

    def is_valid(self, path: Path) -> bool:
        """Look at every byte, once. Raises BadInput at a NUL, which no text contains."""
        if self._valid is None:
            self._valid = self._look(path)
        return self._valid

    def _look(self, path: Path) -> bool:
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
                    if not position % _REPORT_BYTES:
                        self._report(position / size)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return False
        self.ascii = ascii_only
        return True


def _mostly_utf8(head: bytes) -> bool:
    """Whether most characters beyond ASCII are valid: a few damaged bytes make no other text."""
    text = head.decode("utf-8", "replace")
    bad = text.count("\N{REPLACEMENT CHARACTER}")
    good = len(text) - bad - len(text.encode("ascii", "ignore"))
    return good > 4 * bad


def _suggested(head: bytes) -> str | None:
    high = len(head) - len(head.decode("ascii", "ignore"))
    letters = sum(byte > 64 for byte in head)
    if high < _WESTERN_SHARE * letters:
        return None
    best = charset_normalizer.from_bytes(head[:16384]).best()
    if best is None:
        return None
    name = codecs.lookup(best.encoding).name.replace("-", "_")
    return name if name in _SUGGESTIONS else None


def _transcode(
    path: Path, target: Path, encoding: str, skip: int, report: Callable[[float], None]
) -> tuple[int, list[int]]:
    """Write ``path`` as UTF-8; return how many characters had to be replaced, and where."""
    size = max(1, path.stat().st_size)
    located: list[int] = []
    replaced = base = 0

    def note(error: UnicodeError) -> tuple[str, int]:
        nonlocal replaced
        assert isinstance(error, UnicodeDecodeError)
        replaced += 1
        if len(located) < MOST_LOCATED:
            located.append(base + error.start)
        return "\N{REPLACEMENT CHARACTER}", error.end

    codecs.register_error("millrace.note", note)
    decoder = codecs.getincrementaldecoder(encoding)("millrace.note")
    position = skip
    with path.open("rb") as file, target.open("wb") as out:
        file.seek(skip)
        while True:
            chunk = file.read(CHUNK_BYTES)
            pending = decoder.getstate()[0]
            base = position - len(pending)
            position += len(chunk)
            if not (position - skip) % _REPORT_BYTES:
                report(min(1.0, position / size))
            text = decoder.decode(chunk, final=not chunk)
            if "\0" in text:
                raise BadInput("This is not a text file: it contains NUL characters.")
            # "replace": UTF-16 may hold half a surrogate pair, which UTF-8 cannot.
            out.write(text.encode("utf-8", "replace"))
            if not chunk:
                return replaced, located
