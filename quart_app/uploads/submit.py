"""From received bytes to processing files."""

import asyncio
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from processing.core import Core
from processing.errors import BadForm, UnknownHandler
from processing.lifecycle import Upload
from processing.models import ProcessingFile
from processing.partial_uploads import PartialUpload

DEFAULT_HANDLER = "profile"
OPTION = "option."
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_Answer = TypeVar("_Answer")


class Received(NamedTuple):
    """A complete, durable upload."""

    name: str
    partial: PartialUpload
    sha256: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be done to a file."""

    handler: str
    options: dict[str, object]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A file that is in line; ``same_as`` is an earlier one with the same bytes."""

    file: ProcessingFile
    same_as: int | None


async def wish(core: Core, fields: Mapping[str, str]) -> Wish:
    """Read ``handler`` and ``option.<name>`` of what a client sent.

    An empty option means its default. The form of one page carries the options of every handler,
    so those that the chosen one does not know are passed over.

    Raises:
        UnknownHandler: no worker has offered it.
    """
    handler = fields.get("handler") or DEFAULT_HANDLER
    info, offered = await core.handlers.find(handler)
    if info is None and handler != DEFAULT_HANDLER:
        names = ", ".join(other.name for other in offered)
        raise UnknownHandler(f"There is no handler “{handler[:100]}”. Choose one of: {names}.")
    schema: Mapping[str, Any] = info.options_schema if info is not None else {}
    properties = schema.get("properties", {})
    sent = {
        field.removeprefix(OPTION): value.replace("\0", "")
        for field, value in fields.items()
        if field.startswith(OPTION)
    }
    options = {name: value for name, value in sent.items() if name in properties and value != ""}
    return Wish(handler, dict(options))


def idempotency_key(sent: str | None) -> str:
    """Check what a client calls its request; '' if it does not. Raises BadForm."""
    if sent is None:
        return ""
    if not _KEY.fullmatch(sent):
        raise BadForm("An Idempotency-Key has 1 to 255 visible ASCII characters.")
    return sent


async def unhurt(work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Carry ``work`` out to its end, also if the client hangs up now, which cancels us."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def submit(core: Core, received: Received, chosen: Wish, *, key: str = "") -> Accepted:
    """Turn received bytes into a processing file.

    Raises:
        DatabaseUnavailable: it was not accepted.
        KeyReused: ``key`` came with other bytes.
    """
    upload = Upload(
        source=received.partial.path,
        size=received.partial.size,
        name=received.name,
        sha256=received.sha256,
        handler=chosen.handler,
        options=chosen.options,
        key=key,
    )
    return await accepted(core, await core.lifecycle.submissions.submit(upload))


async def accepted(core: Core, file: ProcessingFile) -> Accepted:
    """Look for an earlier file with the same bytes."""
    return Accepted(file, await core.lifecycle.submissions.earlier_copy(file))
