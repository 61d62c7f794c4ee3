"""Counts the records without the engine, so that the engine's count can be checked."""

from collections.abc import Callable
from pathlib import Path

# A chunk stays in the processor's cache, and in the same place of memory for the whole file.
CHUNK_BYTES = 256 * 1024
_REPORT_CHUNKS = 128
_QUOTE = b'"'


def count(
    path: Path, bom_bytes: int, header: bytes | None, report: Callable[[float], None]
) -> int | None:
    """Count the records, the header included, by line ends outside quotes.

    ``header`` is the header's line without its end; ``report`` gets the share done, 0–1.

    None where that is not surely the number of records: a blank line at either end, a CR without
    LF, a repeated header. Other blank lines, and quotes in the middle of bare cells, give a count
    that does not match the engine's.
    """
    size = max(1, path.stat().st_size)
    # Each chunk is preceded by the end of the one before, so that nothing hides in a seam.
    seam = len(header or b"") + 3
    window = bytearray(seam + CHUNK_BYTES)
    view = memoryview(window)
    in_quotes = 0
    records = done = chunks = 0
    last = b""
    with path.open("rb", buffering=0) as file:
        file.seek(bom_bytes)
        while read := file.readinto(view[seam:]):
            end = seam + read
            if (not done and window[seam] in b"\r\n") or _repeats_header(window, header, end):
                return None
            if in_quotes or window.find(_QUOTE, seam, end) >= 0:
                parts = bytes(view[seam:end]).split(_QUOTE)
                unquoted = last + b"".join(parts[in_quotes::2])
                in_quotes = (in_quotes + len(parts) - 1) % 2
                lines = _count_lines(unquoted, len(last), len(unquoted))
                last = unquoted[-1:]
            else:
                window[seam - 1 : seam] = last or b" "
                lines = _count_lines(window, seam, end)
                last = bytes(view[end - 1 : end])
            if lines is None:
                return None
            records += lines
            view[:seam] = view[end - seam : end]
            done += read
            chunks += 1
            if not chunks % _REPORT_CHUNKS:
                report(done / size)
    if in_quotes or last == b"\r" or _ends_doubtfully(bytes(window[:seam]), header):
        return None
    return records + (last != b"\n")


def _count_lines(text: bytes | bytearray, start: int, end: int) -> int | None:
    """Count the LFs from ``start`` to ``end``; None if a CR, the one before too, lacks its LF."""
    before = max(0, start - 1)
    if text.find(b"\r", before, end) >= 0:
        crs = text.count(b"\r", before, end - 1)
        if crs != text.count(b"\r\n", before, end):
            return None
    return text.count(b"\n", start, end)


def _repeats_header(window: bytearray, header: bytes | None, end: int) -> bool:
    if not header or window.find(b"\n" + header, 0, end) < 0:
        return False
    return any(window.find(b"\n" + header + sign, 0, end) >= 0 for sign in (b"\n", b"\r"))


def _ends_doubtfully(tail: bytes, header: bytes | None) -> bool:
    """Whether the file ends in a blank line, or in its header without a line end."""
    if tail.endswith((b"\n\n", b"\n\r\n")):
        return True
    return header is not None and tail.endswith(b"\n" + header)
