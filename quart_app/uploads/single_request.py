"""Uploads in a single request: a form of files, or one file as the body."""

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from processing.core import Core
from processing.errors import BadDigest, BadForm, DatabaseUnavailable, Refused
from quart_app.uploads.admission import UploadAdmission
from quart_app.uploads.body import discard, with_minimum_rate
from quart_app.uploads.form import MAX_FIELD_BYTES, MAX_FIELDS, Form, FormReceiver
from quart_app.uploads.names import check_type, clean_name
from quart_app.uploads.submit import (
    Accepted,
    JobSpec,
    Received,
    idempotency_key,
    read_job_spec,
    run_to_completion,
    submit,
)
from quart_app.uploads.writer import Writer


@dataclass(frozen=True, slots=True)
class FormResult:
    """The files of a form that are queued, and why the others were refused."""

    accepted: list[Accepted]
    refusals: list[Refused]


async def receive_form(
    core: Core,
    admission: UploadAdmission,
    body: AsyncIterator[bytes],
    *,
    content_type: str,
    length: int | None,
    key: str | None,
) -> FormResult:
    """Receive the files of a multipart form; ``key`` is the Idempotency-Key, None without one.

    Raises:
        Refused: nothing was accepted.
        ServiceUnavailable: a server does not answer; nothing was accepted.
    """
    settings = core.settings
    try:
        key = idempotency_key(key)
        overhead = MAX_FIELDS * MAX_FIELD_BYTES
        size = None if length is None else max(0, length - overhead)
        with admission.slot():
            await admission.check(size, files=settings.max_files_per_request)
            receiver = FormReceiver(
                core.storage,
                content_type,
                max_bytes=settings.max_upload_bytes,
                max_files=settings.max_files_per_request,
            )
            form = await receiver.receive(with_minimum_rate(body, settings.slow_upload_seconds))
    except Exception:
        await discard(body)
        raise
    return await run_to_completion(_submit_form(core, form, key))


async def _submit_form(core: Core, form: Form, key: str) -> FormResult:
    try:
        spec = await read_job_spec(core, form.fields)
        result = FormResult([], form.refusals)
        for number, received in enumerate(form.files):
            # To the lifecycle, each file of a form is a request of its own.
            file_key = f"{key}/{number}" if key else ""
            try:
                result.accepted.append(await submit(core, received, spec, key=file_key))
            except DatabaseUnavailable:
                if not result.accepted:
                    raise
                # Some files are accepted already, and the response has to say which.
                text = f"“{received.name}” was not accepted: PostgreSQL became unavailable."
                result.refusals.append(Refused(text))
        if not result.accepted:
            no_file = BadForm("The form has no file. Choose one in the field “file”.")
            raise result.refusals[0] if result.refusals else no_file
        return result
    finally:
        form.discard()


async def receive_body(
    core: Core,
    admission: UploadAdmission,
    body: AsyncIterator[bytes],
    *,
    name: str,
    fields: Mapping[str, str],
    content_type: str,
    length: int | None,
    digest: str,
    key: str | None,
) -> Accepted:
    """Receive a file as the request body; ``digest`` is the Content-Digest, '' without one.

    Raises:
        Refused: it was not accepted.
        ServiceUnavailable: a server does not answer; nothing was accepted.
    """
    writer: Writer | None = None
    try:
        key = idempotency_key(key)
        expected_sha256 = _parse_digest(digest)
        name = clean_name(name)
        check_type(name, content_type)
        with admission.slot():
            await admission.check(length)
            spec = await read_job_spec(core, fields)
            writer = Writer(core.storage.new_partial(core.settings.max_upload_bytes), name)
            async for chunk in with_minimum_rate(body, core.settings.slow_upload_seconds):
                await writer.feed(chunk)
        received = Received(name, writer.partial, await writer.complete())
        if length is None:
            await admission.reserve(writer.partial.size)
        _check_digest(received.sha256, expected_sha256)
        if length is not None and writer.partial.size != length:
            raise BadForm(f"The body ended after {writer.partial.size:,} of {length:,} bytes.")
    except BaseException as error:
        if writer is not None:
            await writer.discard()
        if isinstance(error, Exception):
            await discard(body)
        raise
    return await run_to_completion(_submit_body(core, received, spec, key))


async def _submit_body(core: Core, received: Received, spec: JobSpec, key: str) -> Accepted:
    try:
        return await submit(core, received, spec, key=key)
    finally:
        received.partial.discard()


def _parse_digest(header: str) -> str | None:
    """Read the SHA-256 of a Content-Digest (RFC 9530) as hex, ignoring other algorithms."""
    if not header:
        return None
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "sha-256":
            try:
                return base64.b64decode(value.strip().strip(":"), validate=True).hex()
            except (binascii.Error, ValueError) as error:
                raise BadDigest("The Content-Digest is not base64 between colons.") from error
    raise BadDigest("Content-Digest must be sha-256=:<base64>:; no other algorithm is supported.")


def _check_digest(sha256: str, expected: str | None) -> None:
    if expected is not None and expected != sha256:
        raise BadDigest(
            f"The body's SHA-256 is {sha256}, but its Content-Digest says {expected}. "
            "Nothing was kept. Upload it again."
        )
