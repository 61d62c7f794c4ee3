"""Uploads that come in pieces and go on after a break: what the tus protocol asks for.

Source: tus resumable upload protocol 1.0.x, https://tus.io/protocols/resumable-upload
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from quart_app.uploads.admission import Gate
from quart_app.uploads.body import Interrupted, discard, paced
from quart_app.uploads.names import check_vague_type, clean_name
from quart_app.uploads.submit import unhurt, wish
from quart_app.uploads.tus import parse_metadata
from quart_app.uploads.writer import Writer

logger = logging.getLogger(__name__)

# Who holds an upload looks twice a second whether another asks for it, or ends its last write.
LOCK_SECONDS = 10.0
LOCK_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class State:
    """How far an upload is; ``file_id`` is the file it became."""

    upload: ResumableUpload
    offset: int
    file_id: int | None


async def create(
    core: Core, gate: Gate, *, length: int, metadata: str, owner: str, key: str
) -> ResumableUpload:
    """Begin an upload of ``length`` bytes, or return the one that has this idempotency key.

    Raises:
        Refused: it could never be accepted, as far as can be told now.
        ServiceUnavailable: a server is away.
    """
    fields = parse_metadata(metadata)
    name = clean_name(fields.get("filename") or fields.get("name") or "")
    check_vague_type(name, fields.get("filetype") or fields.get("type") or "")
    if length == 0:
        raise EmptyFile(f"“{name}” is empty: it has no bytes.")
    await gate.check(length)
    chosen = await wish(core, fields)
    values: dict[str, Any] = {
        "id": secrets.token_hex(16),
        "name": name,
        "length": length,
        "handler": chosen.handler,
        "options": chosen.options,
        "metadata": metadata,
        "owner": owner,
        "idempotency_key": key or None,
    }
    # The file first: a row without one is an upload that was ended.
    await asyncio.to_thread(core.storage.create_resumable, values["id"])
    keep = timedelta(hours=core.settings.upload_hours)
    async with core.database.connect() as connection:
        upload = await repository.insert_upload(connection, values, keep)
    if upload.id != values["id"]:
        await asyncio.to_thread(core.storage.drop_resumable, values["id"])
        if (upload.name, upload.length, upload.owner) != (name, length, owner):
            raise KeyReused("This Idempotency-Key began an upload of another file; use a new one.")
    return upload


async def find(core: Core, upload_id: str, owner: str) -> ResumableUpload:
    """Read an upload. Raises NotFound, also for one that someone else began."""
    async with core.database.connect() as connection:
        upload = await repository.get_upload(connection, upload_id.replace("\0", ""))
    if upload is None or not secrets.compare_digest(upload.owner, owner):
        raise NotFound("There is no such upload; it may have expired. Begin a new one.")
    return upload


async def state(core: Core, upload: ResumableUpload) -> State:
    """Say how far an upload is; one that is whole becomes a file, if that failed before.

    Raises:
        NotFound: its bytes are gone.
        UploadLocked: a request that writes does not let go.
        ServiceUnavailable: it is whole, but cannot become a file now.
    """
    if upload.file_id is not None:
        return State(upload, upload.length, upload.file_id)
    try:
        async with _held(core, upload) as partial:
            return await _whole(core, upload, partial)
    except NotFound:
        # Another request may have made the file of it in this moment.
        known = await find(core, upload.id, upload.owner)
        if known.file_id is None:
            raise
        return State(known, known.length, known.file_id)


async def glance(core: Core, upload: ResumableUpload) -> State:
    """Say how far an upload is without disturbing it."""
    if upload.file_id is not None:
        return State(upload, upload.length, upload.file_id)
    return State(upload, await asyncio.to_thread(core.storage.resumable_size, upload.id), None)


async def append(
    core: Core,
    gate: Gate,
    upload: ResumableUpload,
    body: AsyncIterator[bytes],
    *,
    offset: int,
    length: int | None,
    checksum: tuple[str, bytes] | None = None,
) -> State:
    """Take the bytes that follow ``offset``; ``length`` is how many the request announces.

    What came stays, also if the client hangs up, unless a checksum would have been needed to
    trust it.

    Raises:
        OffsetConflict: the upload stands elsewhere.
        BadChecksum: the bytes are not those that were meant; none is kept.
        Refused: too much came, too slowly, or no CSV: then the upload is ended.
    """
    try:
        if upload.file_id is not None:
            raise OffsetConflict("This upload is complete.")
        with gate.slot():
            async with _held(core, upload) as partial:
                if partial.size != offset:
                    words = f"The upload stands at {partial.size}, not at {offset}."
                    raise OffsetConflict(words)
                if length is not None and offset + length > upload.length:
                    raise TooLarge(f"The upload was announced with {upload.length:,} bytes.")
                await _keep(core, upload)
                await _receive(core, upload, partial, body, checksum)
                return await _whole(core, upload, partial)
    except Exception as error:
        if isinstance(error, NotCsv):
            await end(core, upload)
        await discard(body)
        raise


async def _keep(core: Core, upload: ResumableUpload) -> None:
    """An upload that goes on, however slowly, does not expire."""
    keep = timedelta(hours=core.settings.upload_hours)
    async with core.database.connect() as connection:
        await repository.keep_upload(connection, upload.id, keep)


async def end(core: Core, upload: ResumableUpload) -> None:
    """Forget an upload and what came of it; a file that it became stays."""
    async with core.database.connect() as connection:
        await repository.delete_upload(connection, upload.id)
    await asyncio.to_thread(core.storage.drop_resumable, upload.id)


async def _receive(
    core: Core,
    upload: ResumableUpload,
    partial: ResumablePartialUpload,
    body: AsyncIterator[bytes],
    checksum: tuple[str, bytes] | None,
) -> None:
    start = partial.size
    await asyncio.to_thread(partial.begin)
    writer = Writer(partial, upload.name)
    check = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
    try:
        async for chunk in paced(
            body, core.settings.slow_upload_seconds, lambda: partial.asked_for
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
            raise UploadLocked("Another request goes on with this upload.") from error
    if check is not None and checksum is not None and check.digest() != checksum[1]:
        await asyncio.to_thread(partial.truncate, start)
        raise BadChecksum(f"The {checksum[0]} of the bytes is not what Upload-Checksum says.")


async def _whole(core: Core, upload: ResumableUpload, partial: ResumablePartialUpload) -> State:
    """Make a file of an upload that is whole."""
    if partial.size < upload.length:
        return State(upload, partial.size, None)
    return await unhurt(_accept(core, upload, partial))


async def _accept(core: Core, upload: ResumableUpload, partial: ResumablePartialUpload) -> State:
    await asyncio.to_thread(partial.begin)
    digest = await asyncio.to_thread(partial.complete)
    ready = Upload(
        source=partial.path,
        size=partial.size,
        name=upload.name,
        sha256=digest,
        handler=upload.handler,
        options=upload.options,
        resumable=upload.id,
    )
    file = await core.lifecycle.files.submit(ready)
    # The row stays until it expires: a client that missed the answer asks again.
    await asyncio.to_thread(core.storage.drop_resumable, upload.id)
    return State(upload, upload.length, file.id)


@asynccontextmanager
async def _held(core: Core, upload: ResumableUpload) -> AsyncIterator[ResumablePartialUpload]:
    """Hold the lock of an upload's bytes inside the block.

    Who holds it is asked to let go: its connection may be dead, and the client is here again.
    """
    partial = await asyncio.to_thread(core.storage.open_resumable, upload.id, upload.length)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not await asyncio.to_thread(partial.lock):
            if time.monotonic() > deadline:
                raise UploadLocked("Another request writes to this upload and does not end.")
            partial.ask_for()
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        yield partial
    finally:
        partial.close()
