"""Uploads that come in one request: a form of files, or one file as the body."""

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from processing.core import Core
from processing.errors import BadDigest, BadForm, DatabaseUnavailable, Refused
from quart_app.uploads.admission import Gate
from quart_app.uploads.body import discard, paced
from quart_app.uploads.form import MOST_FIELD_BYTES, MOST_FIELDS, Form, Receiver
from quart_app.uploads.names import check_vague_type, clean_name
from quart_app.uploads.submit import (
    Accepted,
    Received,
    Wish,
    idempotency_key,
    submit,
    unhurt,
    wish,
)
from quart_app.uploads.writer import Writer


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a form: the files that are in line, and why others are not."""

    accepted: list[Accepted]
    refusals: list[Refused]


async def take_form(
    core: Core,
    gate: Gate,
    body: AsyncIterator[bytes],
    *,
    content_type: str,
    length: int | None,
    key: str | None,
) -> Taken:
    """Take in the files of a multipart form; ``key`` is the Idempotency-Key, if one was sent.

    Raises:
        Refused: nothing of it was taken.
        ServiceUnavailable: a server is away; nothing was taken.
    """
    chosen = core.settings
    try:
        key = idempotency_key(key)
        overhead = MOST_FIELDS * MOST_FIELD_BYTES
        size = None if length is None else max(0, length - overhead)
        with gate.slot():
            await gate.check(size, files=chosen.max_files_per_request)
            receiver = Receiver(
                core.storage,
                content_type,
                most_bytes=chosen.max_upload_bytes,
                most_files=chosen.max_files_per_request,
            )
            form = await receiver.receive(paced(body, chosen.slow_upload_seconds))
    except Exception:
        await discard(body)
        raise
    return await unhurt(_submit_form(core, form, key))


async def _submit_form(core: Core, form: Form, key: str) -> Taken:
    try:
        chosen = await wish(core, form.fields)
        taken = Taken([], form.refusals)
        for number, received in enumerate(form.files):
            # Each file of a form is a request of its own to the lifecycle.
            own_key = f"{key}/{number}" if key else ""
            try:
                taken.accepted.append(await submit(core, received, chosen, key=own_key))
            except DatabaseUnavailable:
                if not taken.accepted:
                    raise
                # Some are accepted already, and the answer has to say which.
                words = f"“{received.name}” was not taken in: PostgreSQL went away."
                taken.refusals.append(Refused(words))
        if not taken.accepted:
            raise (
                taken.refusals[0]
                if taken.refusals
                else BadForm("The form has no file; choose one in the field “file”.")
            )
        return taken
    finally:
        form.discard()


async def take_body(
    core: Core,
    gate: Gate,
    body: AsyncIterator[bytes],
    *,
    name: str,
    fields: Mapping[str, str],
    content_type: str,
    length: int | None,
    digest: str,
    key: str | None,
) -> Accepted:
    """Take in a file that is the whole body; ``digest`` is the Content-Digest, '' for none.

    Raises:
        Refused: it was not taken.
        ServiceUnavailable: a server is away; nothing was taken.
    """
    writer: Writer | None = None
    try:
        key = idempotency_key(key)
        expected = _parse_digest(digest)
        name = clean_name(name)
        check_vague_type(name, content_type)
        with gate.slot():
            await gate.check(length)
            chosen = await wish(core, fields)
            writer = Writer(core.storage.new_partial(core.settings.max_upload_bytes), name)
            async for chunk in paced(body, core.settings.slow_upload_seconds):
                await writer.feed(chunk)
        received = Received(name, writer.partial, await writer.complete())
        if length is None:
            await gate.count(writer.partial.size)
        _check_digest(received.sha256, expected)
        if length is not None and writer.partial.size != length:
            raise BadForm(f"The body ended after {writer.partial.size:,} of {length:,} bytes.")
    except BaseException as error:
        if writer is not None:
            await writer.discard()
        if isinstance(error, Exception):
            await discard(body)
        raise
    return await unhurt(_submit_body(core, received, chosen, key))


async def _submit_body(core: Core, received: Received, chosen: Wish, key: str) -> Accepted:
    try:
        return await submit(core, received, chosen, key=key)
    finally:
        received.partial.discard()


def _parse_digest(header: str) -> str | None:
    """Read the SHA-256 of a Content-Digest (RFC 9530) as hex; others are passed over."""
    if not header:
        return None
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "sha-256":
            try:
                return base64.b64decode(value.strip().strip(":"), validate=True).hex()
            except (binascii.Error, ValueError) as error:
                raise BadDigest("The Content-Digest is not base64 between colons.") from error
    raise BadDigest("Send the Content-Digest as sha-256=:<base64>:; no other is checked.")


def _check_digest(sha256: str, expected: str | None) -> None:
    if expected is not None and expected != sha256:
        raise BadDigest(
            f"The body's SHA-256 is {sha256}, not {expected} as its Content-Digest says; "
            "nothing was kept. Send it again."
        )
