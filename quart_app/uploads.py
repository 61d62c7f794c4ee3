"""From a request to processing files: what is checked first, and what is made of the form."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from processing import repository
from processing.broker import reaching_redis
from processing.core import Core
from processing.errors import DatabaseAway, RedisAway, Refused, TooLarge, UnknownHandler
from processing.lifecycle import Upload
from processing.models import ProcessingFile
from processing.storage import Storage
from quart_app.fragments import DEFAULT_HANDLER
from quart_app.multipart import MOST_FIELD_BYTES, MOST_FIELDS, MOST_FILES, Form

# What a refused client may still send before we hang up on it unheard.
DISCARD_BYTES, DISCARD_SECONDS = 8 * 1024 * 1024, 2.0


async def discard(body: AsyncIterator[bytes]) -> None:
    """Read on for a moment, so that a refused client hears why before the connection closes."""
    left = DISCARD_BYTES
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            async for chunk in body:
                left -= len(chunk)
                if left < 0:
                    return
    except TimeoutError:
        return


async def check_servers(core: Core) -> None:
    """Raise DatabaseAway or RedisAway before a byte is taken, not after."""
    async with core.database.connect() as connection:
        await repository.ping(connection)
    with reaching_redis():
        if not await core.commands.ping():
            raise RedisAway("no PONG")


_submitting: set[asyncio.Task[list[ProcessingFile]]] = set()


async def submit(core: Core, form: Form) -> list[ProcessingFile]:
    """Turn every stored file of a form into a processing file, also if the client hangs up now.

    Raises:
        Refused: the handler is unknown; nothing is kept then.
        DatabaseAway: what was not accepted yet is deleted.
    """
    task = asyncio.create_task(_submit(core, form))
    _submitting.add(task)
    task.add_done_callback(_submitting.discard)
    return await asyncio.shield(task)


async def _submit(core: Core, form: Form) -> list[ProcessingFile]:
    try:
        handler = form.fields.get("handler") or DEFAULT_HANDLER
        async with core.database.connect() as connection:
            known = {info.name: info for info in await repository.list_handlers(connection)}
        if handler not in known and handler != DEFAULT_HANDLER:
            names = ", ".join(sorted(known))
            raise UnknownHandler(f"There is no handler “{handler[:100]}”. Choose one of: {names}.")
        schema = known[handler].options_schema if handler in known else {}
        options = _options(form.fields, schema)
        files: list[ProcessingFile] = []
        for name, partial, digest in form.files:
            upload = Upload(
                partial=partial, name=name, sha256=digest, handler=handler, options=options
            )
            try:
                files.append(await core.lifecycle.submit(upload))
            except DatabaseAway:
                if not files:
                    raise
                # Some are accepted already, and the answer has to say which.
                form.refusals.append(Refused(f"“{name}” was not taken in: PostgreSQL went away."))
        return files
    finally:
        form.discard()


def _options(fields: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, object]:
    """Fields named ``option.<name>`` that the handler knows; an empty one means its default.

    The form of one page carries the options of every handler, so others are passed over.
    """
    known = schema.get("properties", {})
    sent = {
        field.removeprefix("option."): value
        for field, value in fields.items()
        if field.startswith("option.")
    }
    return {name: value for name, value in sent.items() if name in known and value != ""}


def check_length(content_length: int | None, limit: int, storage: Storage) -> None:
    """Refuse by Content-Length alone what could never be accepted."""
    if content_length is None:
        return
    if content_length > limit * MOST_FILES + MOST_FIELDS * MOST_FIELD_BYTES:
        raise TooLarge(f"The upload is larger than {limit // 1024 // 1024} MiB a file.")
    storage.check_room(content_length)
