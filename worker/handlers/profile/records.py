"""Counts the records without the engine, so that its count can be checked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.handlers.contract import BadInput
from worker.handlers.profile.dialect import Dialect

MAX_RECORD_BYTES = 16 * 1024 * 1024
_REPORT_BYTES = 8 * 1024 * 1024
_QUOTE = b'"'


@dataclass(frozen=True, slots=True)
class Count:
    """Records without the header, blank lines between them, bytes of the longest record."""

    records: int
    blank: int
    longest: int


def count(path: Path, dialect: Dialect, report: Callable[[float], None]) -> Count:
    """Read the whole file once; ``report`` gets the share done, 0–1.

    Raises:
        BadInput: a record is longer than 16 MiB, most often because a quote never closes.
    """
    delimiter = dialect.delimiter.encode()
    single = len(dialect.columns) == 1
    size = max(1, path.stat().st_size)
    records = blank = longest = length = done = reported = 0
    inside = False
    opened = 0
    for number, line in enumerate(_lines(path, dialect.newline), 1):
        done += len(line)
        length = length + len(line) if inside else len(line)
        was_inside = inside
        if inside or _QUOTE in line:
            inside = _ends_inside(line, delimiter, inside)
            if inside and not was_inside:
                opened = number
        if length > MAX_RECORD_BYTES:
            raise BadInput(_too_long(number, opened if inside or was_inside else 0))
        if not inside:
            if line.strip(b"\r\n") or was_inside or single:
                records += 1
                longest = max(longest, length)
            else:
                blank += 1
        if done - reported > _REPORT_BYTES:
            reported = done
            report(done / size)
    if inside:
        records += 1
    return Count(records - dialect.header, blank, longest)


def _too_long(line: int, opened: int) -> str:
    most = MAX_RECORD_BYTES // 1024 // 1024
    if opened:
        return (
            f"A quote that opens on line {opened:,} does not close within {most} MiB. Close it, or "
            "double it if it is part of the value."
        )
    return f"Line {line:,} is longer than the {most} MiB a record may have."


def _lines(path: Path, newline: str) -> Iterator[bytes]:
    with path.open("rb", buffering=1024 * 1024) as file:
        if newline != "\r":
            while line := file.readline(MAX_RECORD_BYTES + 2):
                yield line
            return
        rest = b""
        while chunk := file.read(1024 * 1024):
            *lines, rest = (rest + chunk).split(b"\r")
            yield from (line + b"\r" for line in lines)
            if len(rest) > MAX_RECORD_BYTES:
                yield rest
                rest = b""
        if rest:
            yield rest


def _ends_inside(line: bytes, delimiter: bytes, inside: bool) -> bool:
    """Whether a quoted field is open at the end of ``line``, RFC 4180.

    A quote opens a field only at its beginning; in the middle of a bare value it is data.
    """
    position = 0
    while True:
        if inside:
            closing = line.find(_QUOTE, position)
            if closing < 0:
                return True
            if line[closing + 1 : closing + 2] == _QUOTE:
                position = closing + 2
                continue
            inside, position = False, closing + 1
        elif line[position : position + 1] == _QUOTE and (
            position == 0 or line[position - 1 : position] == delimiter
        ):
            inside, position = True, position + 1
            continue
        opening = line.find(delimiter + _QUOTE, position)
        if opening < 0:
            return False
        position = opening + 1
