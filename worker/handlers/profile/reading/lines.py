"""Reads the physical lines of a file, which end with LF, CRLF or CR, and peeks at later ones."""

from pathlib import Path

from worker.handlers.contract import BadInput

MAX_RECORD_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024


class LineReader:
    """Reads lines as bytes, without their line ends.

    ``number`` (from 1) and ``offset`` (bytes) locate the line that :meth:`next` returned last;
    ``next_offset`` is where the line after it begins.
    """

    def __init__(self, path: Path, bom_bytes: int = 0) -> None:
        """Start after the ``bom_bytes`` of a byte-order mark."""
        self.number = 0
        self.offset = bom_bytes
        self._file = path.open("rb")
        self._file.seek(bom_bytes)
        self.next_offset = bom_bytes
        self._lines: list[bytes] = []
        self._position = 0
        self._partial = b""
        self._ended = False

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def next(self) -> bytes | None:
        """Return the next line, None after the last. Raises BadInput if it is too long."""
        if self._position >= len(self._lines) and not self._load():
            return None
        line = self._lines[self._position]
        self._position += 1
        self.number += 1
        self.offset = self.next_offset
        self.next_offset += len(line)
        return line.rstrip(b"\r\n")

    def peek(self, distance: int) -> bytes | None:
        """Return a later line without reading it: 0 is the next one. None if there is none."""
        while self._position + distance >= len(self._lines):
            if not self._load():
                return None
        return self._lines[self._position + distance].rstrip(b"\r\n")

    def line_end(self, distance: int) -> str:
        """Return the line end of the current line (-1), or of one that was peeked at."""
        line = self._lines[self._position + distance]
        return line[len(line.rstrip(b"\r\n")) :].decode()

    def _load(self) -> bool:
        if self._ended:
            return False
        keep = max(0, self._position - 1)  # the current line
        del self._lines[:keep]
        self._position -= keep
        while True:
            chunk = self._file.read(CHUNK_BYTES)
            lines = (self._partial + chunk).splitlines(keepends=True)
            if not chunk:
                self._ended = True
                self._partial = b""
                self._lines += lines
                return bool(lines)
            # The last line may continue in the next chunk, or its CR be half of a CRLF.
            self._partial = lines.pop()
            if len(self._partial) > MAX_RECORD_BYTES:
                line = self.number + len(self._lines) - self._position + len(lines) + 1
                limit = MAX_RECORD_BYTES // 2**20
                raise BadInput(f"Line {line:,} is longer than {limit} MiB, the maximum for a row.")
            if lines:
                self._lines += lines
                return True
