"""Parses a multipart body while it arrives; writes and hashes its files, with back-pressure.

Format: RFC 7578.
"""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from processing.errors import BadForm, EmptyFile, NotCsv, Refused
from processing.storage import Storage
from quart_app.uploads.names import CSV_TYPE, check_form_type, clean_name
from quart_app.uploads.submit import DEFAULT_HANDLER, Received
from quart_app.uploads.writer import Writer

MAX_FIELDS = 50
MAX_FIELD_BYTES = 16 * 1024
MAX_HEADER_BYTES = 64 * 1024
# How the OpenAPI document describes the form.
FORM_SCHEMA = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "minLength": 1,
                        "description": "The file, of type text/csv.",
                    },
                    "handler": {"type": "string", "enum": [DEFAULT_HANDLER, "emulate"]},
                    "option.seconds": {
                        "type": "string",
                        "description": "A handler option, by name.",
                    },
                },
            },
            "encoding": {"file": {"contentType": CSV_TYPE}},
        }
    },
}


@dataclass(slots=True)
class _Part:
    """The part being read: an accepted file (with a writer), a refused file, or a field."""

    headers: dict[bytes, bytearray] = field(default_factory=dict)
    name: str = ""
    file_name: str | None = None
    writer: Writer | None = None
    pending: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Form:
    """What was received: stored files, fields, and why other files were refused."""

    files: list[Received] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    refusals: list[Refused] = field(default_factory=list)

    def discard(self) -> None:
        """Delete the stored files that were not submitted."""
        for received in self.files:
            received.partial.discard()


class FormReceiver:
    """Reads one multipart body into a :class:`Form`."""

    def __init__(
        self, storage: Storage, content_type: str, *, max_bytes: int, max_files: int
    ) -> None:
        """``max_bytes`` limits each file. Raises BadForm if the body is no multipart form."""
        kind, parameters = parse_options_header(content_type)
        boundary = parameters.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise BadForm("Send the file as multipart/form-data in the field “file”.")
        self._storage = storage
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._parts = 0
        self._form = Form()
        self._part = _Part()
        self._header = b""
        self._ended = False
        # The parser's callbacks are synchronous, but writing has to be awaited: they are queued and
        # run after each chunk.
        self._pending_callbacks: list[tuple[str, bytes | memoryview]] = []
        try:
            self._parser = MultipartParser(
                boundary, self._callbacks(), max_header_size=MAX_HEADER_BYTES
            )
        except FormParserError as error:
            raise BadForm(f"The form's boundary is invalid: {error}.") from error

    def _callbacks(self) -> Any:
        def step(name: str) -> Any:
            return lambda: self._pending_callbacks.append((name, b""))

        def data_step(name: str) -> Any:
            return lambda data, start, end: self._pending_callbacks.append(
                (name, memoryview(data)[start:end])
            )

        plain = ("part_begin", "header_end", "headers_finished", "part_end", "end")
        return {f"on_{name}": step(name) for name in plain} | {
            f"on_{name}": data_step(name) for name in ("header_field", "header_value", "part_data")
        }

    async def receive(self, body: AsyncIterator[bytes]) -> Form:
        """Read ``body`` to its end.

        Raises:
            BadForm: it is no multipart form, or it ends too early.
            Refused: it exceeds a limit. In both cases nothing is kept.
        """
        try:
            async for chunk in body:
                self._parse(chunk)
                await self._run_callbacks()
            if not self._ended:
                raise BadForm("The upload was incomplete. Nothing was kept; upload it again.")
            return self._form
        except BaseException:
            # Also when the client disconnects, which cancels this request.
            if self._part.writer is not None:
                await self._part.writer.discard()
            self._form.discard()
            raise

    def _parse(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BadForm(f"The body is not a valid multipart form: {error}.") from error

    async def _run_callbacks(self) -> None:
        steps, self._pending_callbacks = self._pending_callbacks, []
        for name, data in steps:
            match name:
                case "part_begin":
                    self._begin_part()
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
                    await self._feed_part(data)
                case "part_end":
                    await self._close_part()
                case "end":
                    self._ended = True

    def _begin_part(self) -> None:
        self._part = _Part()
        self._parts += 1
        max_parts = MAX_FIELDS + self._max_files
        if self._parts > max_parts:
            raise BadForm(f"The form has more than {max_parts} parts.")

    def _open_part(self) -> None:
        part = self._part
        disposition = bytes(part.headers.get(b"content-disposition", b""))
        _, parameters = parse_options_header(disposition)
        part.name = parameters.get(b"name", b"").decode("utf-8", "replace")
        raw_name = parameters.get(b"filename")
        if raw_name is None:
            if len(self._form.fields) >= MAX_FIELDS:
                raise BadForm(f"The form has more than {MAX_FIELDS} fields.")
            return
        part.file_name = raw_name.decode("utf-8", "replace")
        if part.name != "file":
            return
        if len(self._form.files) + len(self._form.refusals) >= self._max_files:
            raise BadForm(f"Upload at most {self._max_files} files at once.")
        try:
            part.file_name = clean_name(part.file_name)
            check_form_type(part.file_name, bytes(part.headers.get(b"content-type", b"")))
        except Refused as refusal:
            self._form.refusals.append(refusal)
        else:
            part.writer = Writer(self._storage.new_partial(self._max_bytes), part.file_name)

    async def _feed_part(self, data: bytes | memoryview) -> None:
        part = self._part
        if part.writer is not None:
            await self._skip_if_refused(part.writer.feed(data))
        elif part.file_name is None:
            part.pending += data
            if len(part.pending) > MAX_FIELD_BYTES:
                raise BadForm(f"A form field is longer than {MAX_FIELD_BYTES:,} bytes.")

    async def _skip_if_refused(self, step: Awaitable[str | None]) -> str | None:
        """Await a step of the current file; if it is refused, skip it and keep the others."""
        assert self._part.writer is not None
        try:
            return await step
        except (NotCsv, EmptyFile) as refusal:
            await self._part.writer.discard()
            self._part.writer = None
            self._form.refusals.append(refusal)
            return None

    async def _close_part(self) -> None:
        part = self._part
        if part.writer is not None:
            digest = await self._skip_if_refused(part.writer.complete())
            if digest is not None:
                name, partial = part.file_name or "", part.writer.partial
                self._form.files.append(Received(name, partial, digest))
        elif part.file_name is None:
            self._form.fields[part.name] = part.pending.decode("utf-8", "replace")
        self._part = _Part()
