"""Counts the records without the engine, so that its count can be checked."""

from collections.abc import Callable
from pathlib import Path

# It stays in the processor's cache, and in the same place of memory for the whole file.
CHUNK_BYTES = 256 * 1024
_REPORT_CHUNKS = 128
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
    # In front of each chunk stands the end of the one before, so that nothing hides in a seam.
    seam = len(header or b"") + 2
    window = bytearray(seam + CHUNK_BYTES)
    view = memoryview(window)
    inside = 0
    found = done = chunks = 0
    last = b""
    with path.open("rb", buffering=0) as file:
        file.seek(skip)
        while read := file.readinto(view[seam:]):
            end = seam + read
            if not done and window[seam] in b"\r\n":
                return None
            if header and _again(window, header, end):
                return None
            if inside or window.find(_QUOTE, seam, end) >= 0:
                parts = bytes(view[seam:end]).split(_QUOTE)
                outside = last + b"".join(parts[inside::2])
                inside = (inside + len(parts) - 1) % 2
                if _odd(outside, 0, len(outside)):
                    return None
                found += outside.count(b"\n", len(last))
                last = outside[-1:]
            else:
                window[seam - 1 : seam] = last or b" "
                if _odd(window, seam - 1, end):
                    return None
                found += window.count(b"\n", seam, end)
                last = bytes(view[end - 1 : end])
            view[:seam] = view[end - seam : end]
            done += read
            chunks += 1
            if not chunks % _REPORT_CHUNKS:
                report(done / size)
    if inside or last == b"\r" or (header and window[:seam].endswith(b"\n" + header)):
        return None
    return found + (last != b"\n")


def _odd(text: bytes | bytearray, start: int, end: int) -> bool:
    """Whether there are blank lines, or a CR that no LF follows."""
    if text.find(b"\n\n", start, end) >= 0:
        return True
    if text.find(b"\r", start, end) < 0:
        return False
    alone = text.count(b"\r", start, end - 1) - text.count(b"\r\n", start, end)
    return alone != 0 or text.find(b"\n\r", start, end) >= 0


def _again(window: bytearray, header: bytes, end: int) -> bool:
    """Whether the header's line comes once more."""
    return any(window.find(b"\n" + header + mark, 0, end) >= 0 for mark in (b"\n", b"\r"))
