"""One pass over the bytes of a file: whether it is UTF-8, and where what is unusual is."""

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

WINDOW_BYTES = 256 * 1024
REPORT_BYTES = 16 * 1024 * 1024
TAIL_BYTES = 1024 * 1024
# Of the windows with bytes beyond ASCII so many are sampled, and so many lines of each.
_SAMPLED_WINDOWS, _SAMPLED_LINES = 48, 400
# Where the start of a window has such bytes, it is enough.
_DENSE_BYTES = 16 * 1024


@dataclass(slots=True)
class ByteScan:
    """``end`` is where padding begins: NULs and Ctrl-Z, of which there are so many.

    ``beyond_ascii`` and ``invalid`` are the offsets of windows with bytes beyond ASCII, of valid
    UTF-8 and others. ``has_late_boms`` may be true where there are none.
    """

    end: int
    padding_nuls: int = 0
    padding_ctrl_z: int = 0
    has_nuls: bool = False
    has_late_boms: bool = False
    beyond_ascii: list[int] = field(default_factory=list)
    invalid: list[int] = field(default_factory=list)

    @property
    def is_ascii(self) -> bool:
        """Whether all bytes are ASCII."""
        return not self.beyond_ascii and not self.invalid

    @property
    def is_clean(self) -> bool:
        """Whether it is UTF-8 without padding, NULs and misplaced byte-order marks."""
        padded = self.padding_nuls or self.padding_ctrl_z
        return not (self.invalid or padded or self.has_nuls or self.has_late_boms)


def scan_bytes(path: Path, report: Callable[[float], None]) -> ByteScan:
    """Check every byte of a file; ``report`` gets the share done, 0–1."""
    scan = _scan_tail(path)
    decoder = codecs.getincrementaldecoder("utf-8")()
    # One buffer for the whole file stays in the processor's cache.
    window = bytearray(WINDOW_BYTES)
    view = memoryview(window)
    position = 0
    with path.open("rb", buffering=0) as file:
        while position < scan.end and (read := file.readinto(view)):
            read = min(read, scan.end - position)
            scan.has_nuls = scan.has_nuls or window.find(0, 0, read) >= 0
            is_ascii = window.isascii() if read == WINDOW_BYTES else bytes(view[:read]).isascii()
            if not is_ascii or decoder.getstate()[0]:
                _check_utf8(scan, decoder, view[:read], position)
            if not is_ascii:
                scan.has_late_boms = scan.has_late_boms or _has_bom(window, position, read)
            position += read
            if not position % REPORT_BYTES:
                report(position / scan.end)
    if decoder.getstate()[0]:
        scan.invalid.append((position - 1) // WINDOW_BYTES * WINDOW_BYTES)
    return scan


def _check_utf8(
    scan: ByteScan, decoder: codecs.IncrementalDecoder, view: memoryview, position: int
) -> None:
    try:
        decoder.decode(view)
    except UnicodeDecodeError:
        decoder.reset()
        scan.invalid.append(position)
    else:
        scan.beyond_ascii.append(position)


def _has_bom(window: bytearray, position: int, read: int) -> bool:
    """Whether a byte-order mark stands in the window, but not at the start of the file."""
    start = len(codecs.BOM_UTF8) if position == 0 and window.startswith(codecs.BOM_UTF8) else 0
    first = window.find(codecs.BOM_UTF8[0], start, read)
    if first < 0:
        return False
    return window.find(codecs.BOM_UTF8, first, read) >= 0 or first >= read - 2


def _scan_tail(path: Path) -> ByteScan:
    """Find the NULs and Ctrl-Z at the end, the line ends between them included."""
    end = path.stat().st_size
    scan = ByteScan(end)
    with path.open("rb") as file:
        while end:
            start = max(0, end - TAIL_BYTES)
            file.seek(start)
            tail = file.read(end - start)
            kept = tail.rstrip(b"\0\x1a\r\n")
            # A line end in front of the padding belongs to the last line.
            rest = tail[len(kept) :]
            first = min((at for at in map(rest.find, (b"\0", b"\x1a")) if at >= 0), default=-1)
            if first < 0:
                break
            scan.padding_nuls += rest.count(b"\0")
            scan.padding_ctrl_z += rest.count(b"\x1a")
            end = start + len(kept) + first
            if kept or first:
                break
    scan.end = end
    return scan


def sample_lines(path: Path, windows: Sequence[int], end: int) -> list[bytes]:
    """Return lines with bytes beyond ASCII from windows that are spread over all of them."""
    step = max(1, -(-len(windows) // _SAMPLED_WINDOWS))
    found: list[bytes] = []
    with path.open("rb") as file:
        for offset in windows[::step]:
            file.seek(offset)
            size = min(WINDOW_BYTES, end - offset)
            data = file.read(size)
            if not data[:_DENSE_BYTES].isascii():
                data = data[:_DENSE_BYTES]
            lines = data.splitlines()
            # The first and the last may be parts of lines.
            first = 1 if offset and len(lines) > 2 else 0
            last = len(lines) - (1 if offset + len(data) < end and len(lines) > 2 else 0)
            beyond = [line for line in lines[first:last] if not line.isascii()]
            found += beyond[:: max(1, len(beyond) // _SAMPLED_LINES)]
    return found
