"""From bytes to UTF-8 text: what the file is encoded in, or why it is no text at all."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from worker.handlers.contract import BadInput

HEAD_BYTES = 64 * 1024
CHUNK_BYTES = 1024 * 1024
# Text has next to no control characters besides tab, line ends, form feed and escape.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\x00"))
_MOST_CONTROLS = 0.005
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; save the sheet as CSV first",
    b"\xd0\xcf\x11\xe0": "an old Excel or Office document; save it as CSV first",
    b"\x1f\x8b": "gzip-compressed; unpack it first",
    b"\x28\xb5\x2f\xfd": "Zstandard-compressed; unpack it first",
    b"PAR1": "a Parquet file already",
    b"%PDF": "a PDF document",
}


@dataclass(frozen=True, slots=True)
class Text:
    """A UTF-8 file. ``path`` is the upload itself where that is UTF-8 already."""

    path: Path
    encoding: str
    bom: bool
    replaced: int = 0

    def describe(self) -> dict[str, object]:
        """JSON for the result."""
        return {"name": self.encoding, "bom": self.bom, "replaced_bytes": self.replaced}


def prepare(upload: Path, folder: Path) -> Text:
    """Find the encoding and transcode to ``folder/text.csv`` where it is not UTF-8.

    Raises:
        BadInput: the file is empty or not text.
    """
    with upload.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise BadInput("The file is empty: there is not even a header line to read.")
    for magic, words in _MAGIC.items():
        if head.startswith(magic):
            raise BadInput(f"This is not a CSV file: it looks like {words}.")
    encoding, bom = _by_bom(head) or (_by_nul_pattern(head), False)
    if encoding is None:
        _refuse_binary(head)
        if head.startswith(codecs.BOM_UTF8):
            encoding, bom = "utf-8", True
        elif _is_utf8(upload):
            return Text(upload, "utf-8", bom=False)
        else:
            # Every byte string is some single-byte text; cp1252 is the one seen most.
            encoding = "cp1252"
    target = folder / "text.csv"
    replaced = _transcode(upload, target, encoding, skip=_bom_length(head) if bom else 0)
    return Text(target, encoding, bom, replaced)


def _by_bom(head: bytes) -> tuple[str | None, bool] | None:
    if head.startswith(codecs.BOM_UTF32_LE) and len(head) % 4 == 0:
        return "utf-32-le", True
    if head.startswith(codecs.BOM_UTF32_BE):
        return "utf-32-be", True
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", True
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", True
    return None


def _bom_length(head: bytes) -> int:
    if head.startswith(codecs.BOM_UTF8):
        return 3
    return 4 if head.startswith((codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE)) else 2


def _by_nul_pattern(head: bytes) -> str | None:
    """Tell UTF-16 without a BOM by its NULs: Western text has one in every second byte."""
    if len(head) < 4:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd / half > 0.4 and even / half < 0.05:
        return "utf-16-le"
    if even / half > 0.4 and odd / half < 0.05:
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


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _transcode(path: Path, target: Path, encoding: str, *, skip: int) -> int:
    """Write ``path`` as UTF-8; return how many characters had to be replaced."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    replaced = 0
    with path.open("rb") as file, target.open("wb") as out:
        file.seek(skip)
        while True:
            chunk = file.read(CHUNK_BYTES)
            text = decoder.decode(chunk, final=not chunk)
            replaced += text.count("\N{REPLACEMENT CHARACTER}")
            if "\0" in text:
                raise BadInput("This is not a text file: it contains NUL characters.")
            # "replace": UTF-16 may hold half a surrogate pair, which UTF-8 cannot.
            out.write(text.encode("utf-8", "replace"))
            if not chunk:
                return replaced
