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

    None where that is not the number of records for sure: a blank line at either end, odd line
    ends, the line ``header`` once more. Other blank lines, and quotes in the middle of bare cells,
    give a count that does not match the engine's.
    """
    size = max(1, path.stat().st_size)
    # In front of each chunk stands the end of the one before, so that nothing hides in a seam.
    seam = len(header or b"") + 3
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
    end_of_file = bytes(window[:seam])
    blank = end_of_file.endswith((b"\n\n", b"\n\r\n"))
    repeated = header is not None and end_of_file.endswith(b"\n" + header)
    if inside or blank or repeated or last == b"\r":
        return None
    return found + (last != b"\n")


def _odd(text: bytes | bytearray, start: int, end: int) -> bool:
    """Whether there is a CR that no LF follows."""
    if text.find(b"\r", start, end) < 0:
        return False
    return text.count(b"\r", start, end - 1) != text.count(b"\r\n", start, end)


def _again(window: bytearray, header: bytes, end: int) -> bool:
    """Whether the header's line comes once more."""
    if window.find(b"\n" + header, 0, end) < 0:
        return False
    return any(window.find(b"\n" + header + mark, 0, end) >= 0 for mark in (b"\n", b"\r"))
