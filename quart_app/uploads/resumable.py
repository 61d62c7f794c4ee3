"""Uploads that arrive in chunks and resume after an interruption, as the tus protocol defines.

Source: tus resumable upload protocol 1.0.x, https://tus.io/protocols/resumable-upload
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from processing import repository
from processing.core import Core
from processing.errors import (
    BadChecksum,
    EmptyFile,
    KeyReused,
    NotCsv,
    NotFound,
    OffsetConflict,
    TooLarge,
    UploadLocked,
)
from processing.lifecycle import Upload
from processing.models import ResumableUpload
from processing.partial_uploads import ResumablePartialUpload
from quart_app.uploads.admission import UploadAdmission
from quart_app.uploads.body import Interrupted, discard, with_minimum_rate
from quart_app.uploads.lock import locked
from quart_app.uploads.names import check_type, clean_name
from quart_app.uploads.submit import read_job_spec, run_to_completion
from quart_app.uploads.tus import parse_metadata
from quart_app.uploads.writer import Writer


@dataclass(frozen=True, slots=True)
class UploadState:
    """Progress of an upload: its ``offset`` in bytes, and the id of the file it became."""

    upload: ResumableUpload
    offset: int
    file_id: int | None


async def create(
    core: Core, admission: UploadAdmission, *, length: int, metadata: str, owner: str, key: str
) -> ResumableUpload:
    """Create an upload of ``length`` bytes, or return the one with this idempotency key.

    Raises:
        Refused: it could not be accepted.
        ServiceUnavailable: a server does not answer.
    """
    fields = parse_metadata(metadata)
    name = clean_name(fields.get("filename") or fields.get("name") or "")
    check_type(name, fields.get("filetype") or fields.get("type") or "")
    if length == 0:
        raise EmptyFile(f"“{name}” is empty.")
    await admission.check(length)
    spec = await read_job_spec(core, fields)
    values: dict[str, Any] = {
        "id": secrets.token_hex(16),
        "name": name,
        "length": length,
        "handler": spec.handler,
        "options": spec.options,
        "metadata": metadata,
        "owner": owner,
        "idempotency_key": key or None,
    }
    # The file first: a row without one means that the upload was terminated.
    await asyncio.to_thread(core.storage.create_resumable, values["id"])
    keep = timedelta(hours=core.settings.upload_hours)
    async with core.database.connect() as connection:
        upload = await repository.insert_upload(connection, values, keep)
    if upload.id != values["id"]:
        await asyncio.to_thread(core.storage.delete_resumable, values["id"])
        if (upload.name, upload.length, upload.owner) != (name, length, owner):
            raise KeyReused("This Idempotency-Key was used for another file. Use a new one.")
    return upload


async def find(core: Core, upload_id: str, owner: str) -> ResumableUpload:
    """Read an upload. Raises NotFound, also for one of another ``owner``."""
    async with core.database.connect() as connection:
        upload = await repository.get_upload(connection, upload_id.replace("\0", ""))
    if upload is None or not secrets.compare_digest(upload.owner, owner):
        raise NotFound("There is no such upload. It may have expired; start a new one.")
    return upload


async def resume_or_finish(core: Core, upload: ResumableUpload) -> UploadState:
    """Return how far an upload is; a complete one becomes a file, if that failed before.

    Raises:
        NotFound: its bytes are gone.
        UploadLocked: another request does not release the lock.
        ServiceUnavailable: it is complete, but cannot become a file now.
    """
    if upload.file_id is not None:
        return UploadState(upload, upload.length, upload.file_id)
    try:
        async with locked(core.storage, upload) as partial:
            return await _finish_if_complete(core, upload, partial)
    except NotFound:
        # Another request may have turned it into a file just now.
        current = await find(core, upload.id, upload.owner)
        if current.file_id is None:
            raise
        return UploadState(current, current.length, current.file_id)


async def peek(core: Core, upload: ResumableUpload) -> UploadState:
    """Return how far an upload is, without taking its lock."""
    if upload.file_id is not None:
        return UploadState(upload, upload.length, upload.file_id)
    offset = await asyncio.to_thread(core.storage.resumable_size, upload.id)
    return UploadState(upload, offset, None)


async def append(
    core: Core,
    admission: UploadAdmission,
    upload: ResumableUpload,
    body: AsyncIterator[bytes],
    *,
    offset: int,
    length: int | None,
    checksum: tuple[str, bytes] | None = None,
) -> UploadState:
    """Append ``body`` at ``offset``; ``length`` is its announced size, None if unknown.

    What has arrived is kept even if the client disconnects, unless there is a checksum, which can
    only be verified over the whole body.

    Raises:
        OffsetConflict: the upload is at another offset.
        BadChecksum: the bytes do not match; none is kept.
        Refused: too many bytes, too slow, or no CSV, which terminates the upload.
    """
    try:
        if upload.file_id is not None:
            raise OffsetConflict("This upload is complete.")
        with admission.slot():
            async with locked(core.storage, upload) as partial:
                if partial.size != offset:
                    raise OffsetConflict(f"The upload is at offset {partial.size}, not {offset}.")
                if length is not None and offset + length > upload.length:
                    raise TooLarge(f"The upload was announced with {upload.length:,} bytes.")
                await _extend_expiry(core, upload)
                await _receive(core, upload, partial, body, checksum)
                return await _finish_if_complete(core, upload, partial)
    except Exception as error:
        if isinstance(error, NotCsv):
            await terminate(core, upload)
        await discard(body)
        raise


async def _extend_expiry(core: Core, upload: ResumableUpload) -> None:
    """An upload that makes progress, however slow, does not expire."""
    keep = timedelta(hours=core.settings.upload_hours)
    async with core.database.connect() as connection:
        await repository.extend_upload(connection, upload.id, keep)


async def terminate(core: Core, upload: ResumableUpload) -> None:
    """Delete an upload and its bytes; a file that it became stays."""
    async with core.database.connect() as connection:
        await repository.delete_upload(connection, upload.id)
    await asyncio.to_thread(core.storage.delete_resumable, upload.id)


async def _receive(
    core: Core,
    upload: ResumableUpload,
    partial: ResumablePartialUpload,
    body: AsyncIterator[bytes],
    checksum: tuple[str, bytes] | None,
) -> None:
    start = partial.size
    await asyncio.to_thread(partial.load_digest)
    writer = Writer(partial, upload.name)
    check = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
    try:
        async for chunk in with_minimum_rate(
            body, core.settings.slow_upload_seconds, lambda: partial.takeover_requested
        ):
            if check is not None:
                check.update(chunk)
            await writer.feed(chunk)
        await writer.flush()
    except BaseException as error:
        await writer.settle()
        if check is not None:
            partial.truncate(start)
        elif not isinstance(error, NotCsv):
            await writer.flush()
        if not isinstance(error, Interrupted):
            raise
        if partial.size < upload.length:
            raise UploadLocked("Another request has resumed this upload.") from error
    if check is not None and checksum is not None and check.digest() != checksum[1]:
        await asyncio.to_thread(partial.truncate, start)
        raise BadChecksum(f"The {checksum[0]} of the bytes does not match Upload-Checksum.")


async def _finish_if_complete(
    core: Core, upload: ResumableUpload, partial: ResumablePartialUpload
) -> UploadState:
    if partial.size < upload.length:
        return UploadState(upload, partial.size, None)
    return await run_to_completion(_finish(core, upload, partial))


async def _finish(
    core: Core, upload: ResumableUpload, partial: ResumablePartialUpload
) -> UploadState:
    """Turn a complete upload into a file."""
    await asyncio.to_thread(partial.load_digest)
    sha256 = await asyncio.to_thread(partial.complete)
    complete = Upload(
        source=partial.path,
        size=partial.size,
        name=upload.name,
        sha256=sha256,
        handler=upload.handler,
        options=upload.options,
        resumable=upload.id,
    )
    file = await core.lifecycle.submissions.submit(complete)
    # The row stays until it expires: a client that missed the response asks again.
    await asyncio.to_thread(core.storage.delete_resumable, upload.id)
    return UploadState(upload, upload.length, file.id)
