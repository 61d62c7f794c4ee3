"""From bytes to UTF-8 text: what the file is packed and encoded in, or why it is no text at all."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from worker.handlers.contract import BadInput
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading.encoding import REPORT_BYTES, Utf8Check, detect_encoding
from worker.handlers.profile.reading.unpack import unpack

HEAD_BYTES = 64 * 1024
CHUNK_BYTES = 1024 * 1024
UNPACKED, TEXT = "unpacked.tmp", "text.tmp"
MAX_LOCATED = 100
_MAGIC = {
    b"\xd0\xcf\x11\xe0": "an old Excel or Office document; save it as CSV first",
    b"PAR1": "a Parquet file already",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database; export its table as CSV first",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
}


@dataclass(frozen=True, slots=True)
class Utf8File:
    """A UTF-8 file. ``path`` is the upload itself where that is plain UTF-8 already.

    ``bom_bytes`` bytes of a byte-order mark stand in front; ``ascii``: no character is beyond them;
    ``replaced`` characters could not be read,
    the first of them at the bytes ``undecodable`` of the unpacked file.
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


def to_utf8(
    upload: Path, folder: Path, options: Options, report: Callable[[float], None] = lambda _: None
) -> Utf8File:
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
    utf8 = Utf8Check(lambda share: report(0.5 + 0.2 * share))
    encoding, skip, evidence, confidence = detect_encoding(path, head, options, utf8)
    if encoding == "utf-8" and evidence != "the options":
        ascii_only = utf8.ascii
        return Utf8File(
            path, "utf-8", skip > 0, compression, evidence, confidence, skip, ascii_only
        )
    replaced, undecodable = _transcode(
        path, folder / TEXT, encoding, skip, lambda share: report(0.7 + 0.3 * share)
    )
    if compression:
        path.unlink()
    return Utf8File(
        folder / TEXT,
        encoding,
        skip > 0,
        compression,
        evidence,
        confidence,
        replaced=replaced,
        undecodable=tuple(undecodable),
    )


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
        if len(located) < MAX_LOCATED:
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
            if not (position - skip) % REPORT_BYTES:
                report(min(1.0, position / size))
            text = decoder.decode(chunk, final=not chunk)
            if "\0" in text:
                raise BadInput("This is not a text file: it contains NUL characters.")
            # "replace": UTF-16 may hold half a surrogate pair, which UTF-8 cannot.
            out.write(text.encode("utf-8", "replace"))
            if not chunk:
                return replaced, located
