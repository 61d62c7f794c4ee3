"""The routes of processing files: the public contract."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

from quart import Blueprint, Response, request, send_file

from processing import repository
from processing.errors import BadForm, NotFound
from processing.models import ProcessingFile
from processing.states import Status
from quart_app import fragments, sse, uploads
from quart_app.blueprints.pages import MOST_ID, requested_view
from quart_app.hub import Hub
from quart_app.multipart import CSV_TYPE, Receiver
from quart_app.openapi import describe
from quart_app.resources import core, hub, settings
from quart_app.subscriber import Subscriber

blueprint = Blueprint("files", __name__, url_prefix="/processing_file")

HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 2000
HTML = "text/html"
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "type text/csv"},
                    "handler": {"type": "string", "default": fragments.DEFAULT_HANDLER},
                    "option.seconds": {"type": "string", "description": "an option, by its name"},
                },
            },
            "encoding": {"file": {"contentType": CSV_TYPE}},
        }
    },
}


@blueprint.post("/")
@describe(
    {
        201: (HTML, "A message per accepted file."),
        400: (HTML, "Not the form we ask for, or a name that cannot be used."),
        413: (HTML, "Too large."),
        415: (HTML, "Not text/csv."),
        422: (HTML, "No such handler."),
        503: (HTML, "PostgreSQL or Redis is away; no byte was taken."),
        507: (HTML, "The disk is full."),
    },
    requestBody=_FORM,
)
async def upload() -> Response:
    """Take in a CSV file, multipart field `file`.

    Options of the handler are fields named `option.<name>`.
    """
    body = aiter(request.body)
    limit = settings().max_upload_bytes
    try:
        await uploads.check_servers(core())
        await asyncio.to_thread(uploads.check_length, request.content_length, limit, core().storage)
        receiver = Receiver(core().storage, request.headers.get("Content-Type", ""), limit)
        form = await receiver.receive(body)
    except Exception:
        await uploads.discard(body)
        raise
    files = await uploads.submit(core(), form)
    if not files:
        raise (
            form.refusals[0]
            if form.refusals
            else BadForm("The form has no file; choose one in the field “file”.")
        )
    response = Response(await fragments.accepted(files, form.refusals), 201)
    response.headers["Location"] = f"/processing_file/{files[0].id}/detail/"
    return response


@blueprint.delete("/<int:file_id>/")
@describe({200: (HTML, "A message."), 404: (HTML, "No such file.")})
async def delete(file_id: int) -> str:
    """Remove a finished file's data, or cancel any other.

    Ok becomes Removed, anything else Canceled; running work stops at once.
    """
    file = await core().lifecycle.delete(_existing(file_id))
    if file.status == Status.REMOVED:
        return await fragments.success(f"The data of “{file.name}” is removed.")
    return await fragments.success(f"“{file.name}” is canceled.")


@blueprint.post("/<int:file_id>/retry/")
@describe(
    {
        200: (HTML, "A message."),
        404: (HTML, "No such file, or its data is gone."),
        409: (HTML, "It runs, or it is Ok or Removed."),
    }
)
async def retry(file_id: int) -> str:
    """Start a file that ended as Error or Canceled afresh."""
    file = await core().lifecycle.retry(_existing(file_id))
    return await fragments.success(f"“{file.name}” is in line again.")


@blueprint.get("/<int:file_id>/detail/")
@describe({200: (HTML, "The detail popup."), 404: (HTML, "No such file.")})
async def detail(file_id: int) -> str:
    """Everything known about one file."""
    async with core().database.connect() as connection:
        earlier = await repository.list_attempts(connection, _existing(file_id))
    return await fragments.detail(await _file(file_id), earlier)


@blueprint.get("/<int:file_id>/original/")
@describe({200: ("text/csv", "The upload."), 404: (HTML, "No such file, or its data is gone.")})
async def original(file_id: int) -> Response:
    """Download the file as it was uploaded."""
    file = await _file(file_id)
    path = core().storage.original(file.id)
    return await _download(path, file.name, "text/csv")


@blueprint.get("/<int:file_id>/artifact/<name>/")
@describe(
    {200: ("application/octet-stream", "The artifact."), 404: (HTML, "No such file or artifact.")}
)
async def artifact(file_id: int, name: str) -> Response:
    """Download what the handler made of the file."""
    file = await _file(file_id)
    for known in file.artifacts:
        if known["name"] == name:
            path = await asyncio.to_thread(core().storage.artifact, file.id, file.attempt, name)
            stem = Path(file.name).stem or str(file.id)
            return await _download(path, f"{stem}.{name}", known["media_type"])
    raise NotFound(f"File {file_id} has no artifact of this name.")


@blueprint.get("/listen-updates/")
@describe({200: ("text/event-stream", "Events `handlingStatusChanged`; data: the table.")})
async def listen_updates() -> Response:
    """Follow the table live, by Server-Sent Events.

    The id of an event is its id on the event stream. A client that sends `Last-Event-ID` gets what
    it missed; if that is gone it gets an event `gap` and the whole table.
    """
    last_id = request.headers.get("Last-Event-ID") or request.args.get("last_event_id", "")
    streams = hub()
    subscriber = await streams.subscribe(requested_view(), _stream_id(last_id))
    response = Response(_stream(streams, subscriber), content_type="text/event-stream")
    # The default ends a response after a minute; this one lasts as long as its tab.
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _stream(streams: Hub, subscriber: Subscriber) -> AsyncIterator[bytes]:
    try:
        yield sse.retry(RETRY_MILLISECONDS)
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    message = await subscriber.next()
            except TimeoutError:
                yield sse.HEARTBEAT
                continue
            if message is None:
                # Spread over a few seconds, so that a deploy is no stampede.
                yield sse.retry(random.randint(500, 4000))  # noqa: S311
                return
            yield sse.encode(message)
    finally:
        streams.unsubscribe(subscriber)


def _stream_id(text: str) -> str:
    """``text`` if it is a stream id, else '': the client then gets everything."""
    parts = text.split("-")
    valid = len(parts) == 2 and all(p.isascii() and p.isdigit() and len(p) < 20 for p in parts)
    return text if valid else ""


def _existing(file_id: int) -> int:
    if file_id > MOST_ID:
        raise NotFound(f"There is no file {file_id}.")
    return file_id


async def _file(file_id: int) -> ProcessingFile:
    async with core().database.connect() as connection:
        file = await repository.get_file(connection, _existing(file_id))
    if file is None:
        raise NotFound(f"There is no file {file_id}.")
    return file


async def _download(path: Path, name: str, media_type: str) -> Response:
    try:
        response = await send_file(
            path, mimetype=media_type, as_attachment=True, attachment_filename=name, cache_timeout=0
        )
    except FileNotFoundError as error:
        raise NotFound("The data of this file is gone.") from error
    response.timeout = None
    return response
