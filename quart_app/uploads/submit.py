"""Turns received bytes into processing files."""

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
OPTION_PREFIX = "option."
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_Result = TypeVar("_Result")


class Received(NamedTuple):
    """A complete, durable upload."""

    name: str
    partial: PartialUpload
    sha256: str


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Which handler processes a file, with which options."""

    handler: str
    options: dict[str, object]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A queued file; ``same_as`` is the id of an earlier one with the same bytes."""

    file: ProcessingFile
    same_as: int | None


async def read_job_spec(core: Core, fields: Mapping[str, str]) -> JobSpec:
    """Read ``handler`` and ``option.<name>`` from a client's fields.

    An empty option means its default. The page's form carries the options of every handler, so
    those that the chosen one does not know are ignored.

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
        field.removeprefix(OPTION_PREFIX): value.replace("\0", "")
        for field, value in fields.items()
        if field.startswith(OPTION_PREFIX)
    }
    options = {name: value for name, value in sent.items() if name in properties and value != ""}
    return JobSpec(handler, dict(options))


def idempotency_key(header: str | None) -> str:
    """Validate an Idempotency-Key; '' without one. Raises BadForm."""
    if header is None:
        return ""
    if not _KEY.fullmatch(header):
        raise BadForm("An Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return header


async def run_to_completion(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Finish ``work`` even if the client disconnects, which cancels this request."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def submit(core: Core, received: Received, spec: JobSpec, *, key: str = "") -> Accepted:
    """Turn received bytes into a processing file.

    Raises:
        DatabaseUnavailable: it was not accepted.
        KeyReused: ``key`` was sent with other bytes before.
    """
    upload = Upload(
        source=received.partial.path,
        size=received.partial.size,
        name=received.name,
        sha256=received.sha256,
        handler=spec.handler,
        options=spec.options,
        key=key,
    )
    return await as_accepted(core, await core.lifecycle.submissions.submit(upload))


async def as_accepted(core: Core, file: ProcessingFile) -> Accepted:
    """Look up an earlier file with the same bytes. Raises DatabaseUnavailable."""
    return Accepted(file, await core.lifecycle.submissions.earlier_copy(file))
