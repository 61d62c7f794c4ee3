"""The physical lines of a file, whatever they end with, with a look at those to come."""

from pathlib import Path

from worker.handlers.contract import BadInput

MAX_RECORD_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024


class Lines:
    """Lines as bytes, without their ends.

    ``number`` (from 1) and ``byte`` are of the last one, ``after`` is where the next one begins.
    """

    def __init__(self, path: Path, skip: int = 0) -> None:
        """Begin behind ``skip`` bytes of byte-order mark."""
        self.number = 0
        self.byte = skip
        self._file = path.open("rb")
        self._file.seek(skip)
        self.after = skip
        self._lines: list[bytes] = []
        self._at = 0
        self._rest = b""
        self._ended = False

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def next(self) -> bytes | None:
        """Return the next line, None behind the last."""
        if self._at >= len(self._lines) and not self._load():
            return None
        line = self._lines[self._at]
        self._at += 1
        self.number += 1
        self.byte = self.after
        self.after += len(line)
        return line.rstrip(b"\r\n")

    def peek(self, ahead: int) -> bytes | None:
        """Return the line ``ahead`` of the next one (0) without taking it."""
        while self._at + ahead >= len(self._lines):
            if not self._load():
                return None
        return self._lines[self._at + ahead].rstrip(b"\r\n")

    def end(self, ahead: int) -> str:
        """Return what the line at hand (-1), or one that was peeked at, ends with."""
        line = self._lines[self._at + ahead]
        return line[len(line.rstrip(b"\r\n")) :].decode()

    def _load(self) -> bool:
        if self._ended:
            return False
        keep = max(0, self._at - 1)  # the line at hand
        del self._lines[:keep]
        self._at -= keep
        while True:
            chunk = self._file.read(CHUNK_BYTES)
            lines = (self._rest + chunk).splitlines(keepends=True)
            if not chunk:
                self._ended = True
                self._rest = b""
                self._lines += lines
                return bool(lines)
            # The last line may go on in the next chunk, or its CR be half of a CRLF.
            self._rest = lines.pop()
            if len(self._rest) > MAX_RECORD_BYTES:
                line = self.number + len(self._lines) - self._at + len(lines) + 1
                raise BadInput(
                    f"Line {line:,} is longer than the {MAX_RECORD_BYTES // 2**20} MiB a record "
                    "may have."
                )
            if lines:
                self._lines += lines
                return True
