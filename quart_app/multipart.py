"""Reads a multipart body while it arrives: parse, write, hash, with back-pressure.

Format: RFC 7578.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from processing.errors import BadForm, BadName, NotCsv, Refused
from processing.storage import Partial, Storage

CSV_TYPE = "text/csv"
MOST_FILES = 20
MOST_FIELDS = 50
MOST_FIELD_BYTES = 16 * 1024
MOST_HEADER_BYTES = 64 * 1024
MOST_NAME_CHARACTERS = 255
WRITE_BYTES = 512 * 1024
# A body that stops coming is cut; one that is slow is not.
SILENCE_SECONDS = 60.0


@dataclass(slots=True)
class _Part:
    """The part being read: a file that is kept, a file that is refused, or a field."""

    headers: dict[bytes, bytearray] = field(default_factory=dict)
    name: str = ""
    file_name: str | None = None
    partial: Partial | None = None
    pending: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Form:
    """What came: stored files with their names, fields, and the files that were refused."""

    files: list[tuple[str, Partial, str]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    refusals: list[Refused] = field(default_factory=list)

    def discard(self) -> None:
        """Delete what was stored."""
        for _, partial, _ in self.files:
            partial.discard()


class Receiver:
    """Reads one multipart body into a :class:`Form`."""

    def __init__(self, storage: Storage, content_type: str, limit: int) -> None:
        """``limit``: most bytes of one file. Raises BadForm for another kind of body."""
        kind, parameters = parse_options_header(content_type)
        boundary = parameters.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise BadForm("Send the file as multipart/form-data, in the field “file”.")
        self._storage = storage
        self._limit = limit
        self._form = Form()
        self._part = _Part()
        self._header = b""
        self._ended = False
        # The parser calls back synchronously; what needs a thread is done after each write.
        self._steps: list[tuple[str, bytes]] = []
        try:
            self._parser = MultipartParser(
                boundary, self._callbacks(), max_header_size=MOST_HEADER_BYTES
            )
        except FormParserError as error:
            raise BadForm(f"The form's boundary cannot be used: {error}.") from error

    def _callbacks(self) -> Any:
        def step(name: str) -> Any:
            return lambda: self._steps.append((name, b""))

        def data_step(name: str) -> Any:
            return lambda data, start, end: self._steps.append((name, data[start:end]))

        plain = ("part_begin", "header_end", "headers_finished", "part_end", "end")
        return {f"on_{name}": step(name) for name in plain} | {
            f"on_{name}": data_step(name) for name in ("header_field", "header_value", "part_data")
        }

    async def receive(self, body: AsyncIterator[bytes]) -> Form:
        """Read ``body`` to its end.

        Raises:
            BadForm: it is no multipart form, or it ends too early.
            Refused: it exceeds a limit. Nothing of it is kept then.
        """
        try:
            async for chunk in _unless_silent(body):
                self._parse(chunk)
                await self._take_steps()
            if not self._ended:
                raise BadForm("The upload ended before the form did; nothing was kept.")
            return self._form
        except BaseException:
            # Also when the client hangs up, which cancels us.
            if self._part.partial is not None:
                self._part.partial.discard()
            self._form.discard()
            raise

    def _parse(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BadForm(f"The body is not a well-formed multipart form: {error}.") from error

    async def _take_steps(self) -> None:
        steps, self._steps = self._steps, []
        for name, data in steps:
            match name:
                case "part_begin":
                    self._part = _Part()
                case "header_field":
                    self._header += data
                case "header_value":
                    key = self._header.lower()
                    self._part.headers.setdefault(key, bytearray()).extend(data)
                case "header_end":
                    self._header = b""
                case "headers_finished":
                    self._open_part()
                case "part_data":
                    await self._write(data)
                case "part_end":
                    await self._close_part()
                case "end":
                    self._ended = True

    def _open_part(self) -> None:
        part = self._part
        disposition = bytes(part.headers.get(b"content-disposition", b""))
        _, parameters = parse_options_header(disposition)
        part.name = parameters.get(b"name", b"").decode("utf-8", "replace")
        raw_name = parameters.get(b"filename")
        if raw_name is None:
            if len(self._form.fields) >= MOST_FIELDS:
                raise BadForm(f"The form has more than {MOST_FIELDS} fields.")
            return
        part.file_name = raw_name.decode("utf-8", "replace")
        if part.name != "file":
            return
        if len(self._form.files) + len(self._form.refusals) >= MOST_FILES:
            raise BadForm(f"At most {MOST_FILES} files can be sent at once.")
        try:
            part.file_name = clean_name(part.file_name)
            _check_type(part.file_name, bytes(part.headers.get(b"content-type", b"")))
            part.partial = self._storage.new_partial(self._limit)
        except Refused as refusal:
            self._form.refusals.append(refusal)

    async def _write(self, data: bytes) -> None:
        part = self._part
        if part.partial is not None:
            part.pending += data
            if len(part.pending) >= WRITE_BYTES:
                await self._flush(part)
        elif part.file_name is None:
            part.pending += data
            if len(part.pending) > MOST_FIELD_BYTES:
                raise BadForm(f"A field of the form is longer than {MOST_FIELD_BYTES:,} bytes.")

    async def _flush(self, part: _Part) -> None:
        assert part.partial is not None
        pending, part.pending = bytes(part.pending), bytearray()
        await asyncio.to_thread(part.partial.write, pending)

    async def _close_part(self) -> None:
        part, self._part = self._part, _Part()
        if part.partial is not None:
            self._part = part  # so that a failure below still finds the partial
            await self._flush(part)
            digest = await asyncio.to_thread(part.partial.complete)
            self._form.files.append((part.file_name or "", part.partial, digest))
            self._part = _Part()
        elif part.file_name is None:
            self._form.fields[part.name] = part.pending.decode("utf-8", "replace")


async def _unless_silent(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise BadForm(f"Nothing came for {SILENCE_SECONDS:g} s; nothing was kept.") from error
        yield chunk


def clean_name(raw: str) -> str:
    """Return the last component of a client's file name, fit to be stored and shown.

    Raises:
        BadName: nothing is left, or it has control characters, or it is too long.
    """
    name = raw.replace("\\", "/").rpartition("/")[2].strip()
    if not name or name in (".", ".."):
        raise BadName("The file has no name; give it one, such as data.csv.")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise BadName("The file's name contains control characters; rename it.")
    if len(name) > MOST_NAME_CHARACTERS:
        raise BadName(
            f"The file's name has {len(name):,} characters; "
            f"at most {MOST_NAME_CHARACTERS} are kept."
        )
    return name


def _check_type(name: str, content_type: bytes) -> None:
    kind, _ = parse_options_header(content_type)
    if kind != CSV_TYPE.encode():
        said = kind.decode("latin-1")[:100] or "of no stated type"
        raise NotCsv(f"“{name}” is {said}, not {CSV_TYPE}. Only CSV files can be processed.")
