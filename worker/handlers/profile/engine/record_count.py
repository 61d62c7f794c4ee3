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
    counter = _LineCounter()
    done = chunks = 0
    with path.open("rb", buffering=0) as file:
        file.seek(bom_bytes)
        while read := file.readinto(view[seam:]):
            end = seam + read
            if (not done and window[seam] in b"\r\n") or _repeats_header(window, header, end):
                return None
            if not counter.add(window, seam, end):
                return None
            view[:seam] = view[end - seam : end]
            done += read
            chunks += 1
            if not chunks % _REPORT_CHUNKS:
                report(done / size)
    if counter.in_quotes or _ends_doubtfully(bytes(window[:seam]), header):
        return None
    return counter.lines + (counter.last != b"\n")


class _LineCounter:
    """Counts ``lines``; ``last`` is the last byte outside quotes, ``in_quotes`` 1 inside them."""

    def __init__(self) -> None:
        self.lines = 0
        self.last = b""
        self.in_quotes = 0

    def add(self, window: bytearray, start: int, end: int) -> bool:
        """Count the line ends of a chunk; False if a CR lacks its LF.

        The byte in front of ``start`` is overwritten.
        """
        if self.in_quotes or window.find(_QUOTE, start, end) >= 0:
            parts = bytes(memoryview(window)[start:end]).split(_QUOTE)
            unquoted = self.last + b"".join(parts[self.in_quotes :: 2])
            self.in_quotes = (self.in_quotes + len(parts) - 1) % 2
            lines = _count_lines(unquoted, len(self.last), len(unquoted))
            self.last = unquoted[-1:]
        else:
            window[start - 1 : start] = self.last or b" "
            lines = _count_lines(window, start, end)
            self.last = bytes(window[end - 1 : end])
        self.lines += lines or 0
        return lines is not None


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
    """Whether the file ends in a blank line, a CR, or its header without a line end."""
    if tail.endswith((b"\n\n", b"\n\r\n", b"\r")):
        return True
    return header is not None and tail.endswith(b"\n" + header)
