"""Turns an upload into UTF-8 text: decompresses and transcodes it, or says why it is not text."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from worker.handlers.contract import BadInput
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading import notes
from worker.handlers.profile.reading.cleaning import Separators, judge_separators
from worker.handlers.profile.reading.encodings.detect import DetectedEncoding, detect_encoding
from worker.handlers.profile.reading.other_formats.file_formats import (
    reject_binary,
    reject_signatures,
)
from worker.handlers.profile.reading.other_formats.prose import reject_prose
from worker.handlers.profile.reading.other_formats.text_formats import reject_other_text
from worker.handlers.profile.reading.transcode import Recoding, transcode
from worker.handlers.profile.reading.unpack import unpack

HEAD_BYTES = 64 * 1024
TEXT = "text.tmp"


@dataclass(frozen=True, slots=True)
class Utf8File:
    """A file of UTF-8 text; ``path`` is the upload itself if that is uncompressed UTF-8.

    ``encoding``, ``bom`` (a byte-order mark) and ``compression`` are those of the upload.
    ``runner_up`` is the encoding that would be next, where it was guessed. ``bom_bytes`` is the
    length of the byte-order mark at ``path``; ``ascii``: it is certain that all characters are
    ASCII. ``replaced`` characters could not be decoded, the first of them at the offsets
    ``undecodable`` of the uncompressed upload. ``notes`` are sentences for people: what was
    guessed, removed or replaced.
    """

    path: Path
    encoding: str
    bom: bool = False
    compression: str | None = None
    evidence: str = ""
    confidence: float = 1.0
    runner_up: str | None = None
    bom_bytes: int = 0
    ascii: bool = False
    replaced: int = 0
    undecodable: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def describe(self) -> dict[str, object]:
        """Return the JSON for the result."""
        return {
            "name": self.encoding,
            "bom": self.bom,
            "compression": self.compression,
            "evidence": self.evidence,
            "confidence": self.confidence,
            "runner_up": self.runner_up,
            "replaced_characters": self.replaced,
            "undecodable_bytes": list(self.undecodable),
        }


def to_utf8(
    upload: Path, folder: Path, options: Options, report: Callable[[float], None] = lambda _: None
) -> Utf8File:
    """Decompress and transcode an upload into ``folder``, if it needs that.

    ``report`` gets the share done, 0–1.

    Raises:
        BadInput: the file is empty, damaged, not text, or text in another format than CSV.
    """
    unpacked, compression = unpack(upload, folder, lambda share: report(0.5 * share))
    path = unpacked or upload
    head = _read_head(path, compression)
    found = detect_encoding(path, head, options, lambda share: report(0.5 + 0.2 * share))
    head_text = _decode_head(path, head, found, options)
    detected = Utf8File(
        path,
        found.name,
        bom=found.bom_bytes > 0,
        compression=compression,
        evidence=found.evidence,
        confidence=found.confidence,
        runner_up=found.guess.runner_up if found.guess and not found.other else None,
    )
    scan = found.scan
    separators = judge_separators(head_text)
    if found.name == "utf-8" and scan and scan.is_clean and separators is Separators.DATA:
        return replace(detected, bom_bytes=found.bom_bytes, ascii=scan.is_ascii)
    end = scan.end if scan else path.stat().st_size
    recoding = Recoding(found.name, found.bom_bytes, end, found.other, separators)
    target = folder / TEXT
    undecodable, removed = transcode(
        path, target, recoding, lambda share: report(0.7 + 0.3 * share)
    )
    if unpacked:
        unpacked.unlink()
    evidence = found.evidence
    if separators is not Separators.DATA:
        evidence += "; record separators (0x1E) end its records"
    return replace(
        detected,
        path=target,
        evidence=evidence,
        replaced=undecodable.replaced,
        undecodable=tuple(undecodable.replaced_bytes),
        notes=tuple(notes.notes(found, undecodable, removed)),
    )


def _read_head(path: Path, compression: str | None) -> bytes:
    """Return the start of the file. Raises BadInput if it is empty or in another format."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        where = f" after decompression ({compression})" if compression else ""
        raise BadInput(f"The file is empty{where}.")
    reject_signatures(head)
    return head


def _decode_head(path: Path, head: bytes, found: DetectedEncoding, options: Options) -> str:
    """Return the start of the text. Raises BadInput if it is not a CSV file's."""
    if found.scan:
        reject_binary(head)
        if found.scan.end <= found.bom_bytes:
            raise BadInput(_only_padding(path.stat().st_size - found.bom_bytes))
        head = head[: found.scan.end]
    text = head[found.bom_bytes :].decode(found.name, "ignore").replace("\0", "")
    complete = path.stat().st_size <= HEAD_BYTES
    reject_other_text(text, complete=complete)
    if options.delimiter is None:
        reject_prose(text)
    return text


def _only_padding(size: int) -> str:
    if not size:
        return "The file is empty: it has only a byte-order mark."
    return (
        "The file is empty: it has only NUL bytes, as after a power loss or a copy that was cut "
        "off. Upload it again from its source."
    )
