"""Turns an upload into UTF-8 text: decompresses and transcodes it, or says why it is not text."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from worker.handlers.contract import BadInput
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.encoding import REPORT_BYTES, Utf8Check, detect_encoding
from worker.handlers.profile.reading.unpack import unpack

HEAD_BYTES = 64 * 1024
CHUNK_BYTES = 1024 * 1024
UNPACKED, TEXT = "unpacked.tmp", "text.tmp"
MAX_LOCATED = 100
# What other formats start with: what the file is, and what its user can do.
_MAGIC = {
    b"\xd0\xcf\x11\xe0": ("an old Excel or Office document", "Save it as CSV first."),
    b"PAR1": ("already a Parquet file", ""),
    b"%PDF": ("a PDF document", ""),
    b"SQLite format 3": ("an SQLite database", "Export its table as CSV first."),
    b"\x89PNG": ("a PNG image", ""),
    b"\xff\xd8\xff": ("a JPEG image", ""),
}


@dataclass(frozen=True, slots=True)
class Utf8File:
    """A file of UTF-8 text; ``path`` is the upload itself if that is uncompressed UTF-8.

    ``encoding``, ``bom`` (a byte-order mark) and ``compression`` are those of the upload.
    ``bom_bytes`` is the length of the byte-order mark at ``path``; ``ascii``: it is certain that
    all characters are ASCII. ``replaced`` characters could not be decoded, the first of them at
    the offsets ``undecodable`` of the uncompressed upload.
    """

    path: Path
    encoding: str
    bom: bool = False
    compression: str | None = None
    evidence: str = ""
    confidence: float = 1.0
    bom_bytes: int = 0
    ascii: bool = False
    replaced: int = 0
    undecodable: tuple[int, ...] = ()

    def describe(self) -> dict[str, object]:
        """Return the JSON for the result."""
        return {
            "name": self.encoding,
            "bom": self.bom,
            "compression": self.compression,
            "evidence": self.evidence,
            "confidence": self.confidence,
            "replaced_characters": self.replaced,
            "undecodable_bytes": list(self.undecodable),
        }


def to_utf8(
    upload: Path, folder: Path, options: Options, report: Callable[[float], None] = lambda _: None
) -> Utf8File:
    """Decompress and transcode an upload into ``folder``, if it needs that.

    ``report`` gets the share done, 0–1.

    Raises:
        BadInput: the file is empty, damaged or not text.
    """
    compression = unpack(upload, folder / UNPACKED, lambda share: report(0.5 * share))
    path = folder / UNPACKED if compression else upload
    head = _read_head(path, compression)
    utf8 = Utf8Check(lambda share: report(0.5 + 0.2 * share))
    found = detect_encoding(path, head, options, utf8)
    detected = Utf8File(
        path,
        found.name,
        bom=found.bom_bytes > 0,
        compression=compression,
        evidence=found.evidence,
        confidence=found.confidence,
    )
    # Text that is UTF-8 only by option may have invalid bytes, which transcoding replaces.
    if found.name == "utf-8" and not found.by_option:
        return replace(detected, bom_bytes=found.bom_bytes, ascii=utf8.ascii)
    target = folder / TEXT
    replaced, undecodable = _transcode(
        path, target, found.name, found.bom_bytes, lambda share: report(0.7 + 0.3 * share)
    )
    if compression:
        path.unlink()
    return replace(detected, path=target, replaced=replaced, undecodable=tuple(undecodable))


def _read_head(path: Path, compression: str | None) -> bytes:
    """Return the start of the file. Raises BadInput if it is empty or in another format."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        where = f" after decompression ({compression})" if compression else ""
        raise BadInput(f"The file is empty{where}.")
    for magic, (what, advice) in _MAGIC.items():
        if head.startswith(magic):
            raise BadInput(f"This is {what}, not a CSV file. {advice}".rstrip())
    return head


def _transcode(
    path: Path, target: Path, encoding: str, bom_bytes: int, report: Callable[[float], None]
) -> tuple[int, list[int]]:
    """Write ``path`` as UTF-8; return how many characters were replaced, and their offsets."""
    size = max(1, path.stat().st_size)
    located: list[int] = []
    replaced = base = 0

    def note(error: UnicodeError) -> tuple[str, int]:
        nonlocal replaced
        assert isinstance(error, UnicodeDecodeError)
        replaced += 1
        if len(located) < MAX_LOCATED:
            located.append(base + error.start)
        return "\N{REPLACEMENT CHARACTER}", error.end

    codecs.register_error("millrace.note", note)
    decoder = codecs.getincrementaldecoder(encoding)("millrace.note")
    position = bom_bytes
    with path.open("rb") as file, target.open("wb") as out:
        file.seek(bom_bytes)
        while True:
            chunk = file.read(CHUNK_BYTES)
            pending = decoder.getstate()[0]
            base = position - len(pending)
            position += len(chunk)
            if not (position - bom_bytes) % REPORT_BYTES:
                report(min(1.0, position / size))
            text = decoder.decode(chunk, final=not chunk)
            if "\0" in text:
                raise BadInput("This is not a text file: it contains NUL characters.")
            # "replace": UTF-16 may hold half a surrogate pair, which UTF-8 cannot.
            out.write(text.encode("utf-8", "replace"))
            if not chunk:
                return replaced, located
