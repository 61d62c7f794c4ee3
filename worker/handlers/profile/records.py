"""Counts the records without the engine, so that its count can be checked."""

from collections.abc import Callable
from pathlib import Path

CHUNK_BYTES = 1024 * 1024
_REPORT_CHUNKS = 32
_QUOTE = b'"'


def count(
    path: Path, skip: int, header: bytes | None, report: Callable[[float], None]
) -> int | None:
    """Count the records, the header too, by line ends outside quotes; ``report`` gets 0–1.

    None where that is not the number of records for sure: blank lines, odd line ends, the line
    ``header`` once more. A quote in the middle of a bare cell gives a wrong count, which then does
    not match the engine's.
    """
    size = max(1, path.stat().st_size)
    inside = 0
    found = done = 0
    last = tail = b""
    with path.open("rb") as file:
        file.seek(skip)
        while chunk := file.read(CHUNK_BYTES):
            if not done and chunk[:1] in b"\r\n":
                return None
            if header and _again(tail + chunk, header, first=not done):
                return None
            tail = chunk[-len(header) - 2 :] if header else b""
            done += len(chunk)
            outside = chunk
            if inside or _QUOTE in chunk:
                parts = chunk.split(_QUOTE)
                outside = b"".join(parts[inside::2])
                inside = (inside + len(parts) - 1) % 2
            seam = last + outside
            if b"\n\n" in seam or b"\n\r" in seam:
                return None
            if b"\r" in seam and seam.count(b"\r") - seam.endswith(b"\r") != seam.count(b"\r\n"):
                return None
            found += outside.count(b"\n")
            last = outside[-1:] or last
            if not done // CHUNK_BYTES % _REPORT_CHUNKS:
                report(done / size)
    if inside or last == b"\r":
        return None
    return found + (last != b"\n")


def _again(data: bytes, header: bytes, *, first: bool) -> bool:
    """Whether the header's line comes once more."""
    return any(b"\n" + header + end in data[first:] for end in (b"\n", b"\r"))
