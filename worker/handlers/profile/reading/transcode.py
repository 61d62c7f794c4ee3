"""Writes a file as clean UTF-8, and notes what could not be decoded."""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from worker.handlers.profile.reading.byte_scan import REPORT_BYTES
from worker.handlers.profile.reading.cleaning import Removed, Separators, TextCleaner
from worker.handlers.profile.reading.encodings.mixed_text import (
    REPLACEMENT,
    MixedDecoder,
    Undecodable,
)

CHUNK_BYTES = 1024 * 1024
_MAX_LINE_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Recoding:
    """How to decode a file: the bytes from ``start`` to ``end``.

    ``other`` is the encoding of words that are not valid, in a file that is mostly UTF-8.
    """

    encoding: str
    start: int
    end: int
    other: str | None = None
    separators: Separators = Separators.DATA


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of text, and the ``position`` up to which bytes were read for it.

    Characters were replaced at the ``offsets``.
    """

    text: str
    position: int
    is_last: bool
    offsets: tuple[int, ...] = ()


def transcode(
    path: Path, target: Path, recoding: Recoding, report: Callable[[float], None]
) -> tuple[Undecodable, Removed]:
    """Write the text to ``target``; ``report`` gets the share done, 0–1."""
    undecodable = Undecodable()
    with path.open("rb") as file, target.open("wb") as out:

        def lines_written() -> int:
            out.flush()
            return _count_lines(target)

        cleaner = TextCleaner(recoding.separators, lines_written)
        file.seek(recoding.start)
        if recoding.other:
            pieces = _decode_mixed(file, recoding, MixedDecoder(recoding.other, undecodable))
        else:
            pieces = _decode(file, recoding)
        for piece in pieces:
            if piece.offsets:
                line = cleaner.line_at(piece.text, piece.text.find(REPLACEMENT))
                for offset in piece.offsets:
                    undecodable.note_replaced(1, offset, line)
            # "replace": UTF-16 may hold half a surrogate pair, which UTF-8 cannot.
            text = cleaner.clean(piece.text, is_last=piece.is_last)
            out.write(text.encode("utf-8", "replace"))
            if not piece.position % REPORT_BYTES:
                report(min(1.0, piece.position / max(1, recoding.end)))
    return undecodable, cleaner.removed


def _count_lines(path: Path) -> int:
    feeds = returns = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            feeds += chunk.count(b"\n")
            returns += chunk.count(b"\r")
    return feeds or returns


def _decode(file: BinaryIO, recoding: Recoding) -> Iterator[_Piece]:
    offsets: list[int] = []
    base = 0

    def note(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        offsets.append(base + error.start)
        return REPLACEMENT, error.end

    codecs.register_error("millrace.note", note)
    decoder = codecs.getincrementaldecoder(recoding.encoding)("millrace.note")
    position, is_last = recoding.start, False
    while not is_last:
        chunk = file.read(min(CHUNK_BYTES, recoding.end - position))
        base = position - len(decoder.getstate()[0])
        position += len(chunk)
        is_last = not chunk
        text = decoder.decode(chunk, final=is_last)
        yield _Piece(text, position, is_last, tuple(offsets))
        offsets.clear()


def _decode_mixed(file: BinaryIO, recoding: Recoding, decoder: MixedDecoder) -> Iterator[_Piece]:
    """Like :func:`_decode`, in pieces of whole lines."""
    position, is_last = recoding.start, False
    pending = b""
    while not is_last:
        chunk = file.read(min(CHUNK_BYTES, recoding.end - position))
        position += len(chunk)
        is_last = not chunk
        pending += chunk
        too_long = len(pending) > _MAX_LINE_BYTES
        cut = len(pending) if is_last or too_long else _last_line_end(pending)
        whole, pending = pending[:cut], pending[cut:]
        text = decoder.decode(whole, position - len(pending) - len(whole))
        yield _Piece(text, position, is_last)


def _last_line_end(data: bytes) -> int:
    """Return where the last line that is whole ends; 0 if none is."""
    end = data.rfind(b"\n") + 1
    # A CR at the very end may be half of a CRLF.
    return end or data.rfind(b"\r", 0, -1) + 1
