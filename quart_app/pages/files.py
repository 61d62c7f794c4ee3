"""The page's routes for files: the public contract."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field
from quart import Blueprint, Response, request, url_for

from processing.errors import BadForm
from processing.states import DELETED_AS, Status
from quart_app import bulk, files, messages
from quart_app.bulk import Action
from quart_app.http.openapi import describe
from quart_app.http.parameters import QueryParameters, read_query, read_small_form
from quart_app.live import sse
from quart_app.live.broadcaster import Broadcaster
from quart_app.live.subscriber import Subscriber
from quart_app.pages import fragments
from quart_app.pages.index import requested_view
from quart_app.resources import core, hub
from quart_app.uploads.form import FORM_SCHEMA

blueprint = Blueprint("files", __name__, url_prefix="/processing_file")

HTML = "text/html"


@blueprint.post("/")
@describe(
    {
        201: (HTML, "A message for each file."),
        303: ("", "Redirect to the page, for browsers without scripts."),
        400: (HTML, "Invalid form or file name."),
        408: (HTML, "Upload too slow."),
        413: (HTML, "File too large."),
        415: (HTML, "Not a CSV file."),
        422: (HTML, "Unknown handler, or an empty file."),
        429: (HTML, "Too many uploads, jobs or requests."),
        503: (HTML, "PostgreSQL or Redis is unavailable; nothing was accepted."),
        507: (HTML, "No storage left."),
    },
    requestBody=FORM_SCHEMA,
)
async def upload() -> Response:
    """Upload CSV files, multipart field `file`.

    The field `handler` chooses the handler, fields `option.<name>` its options.
    """
    result = await files.receive_form()
    if fragments.is_navigation():
        ids = ",".join(str(accepted.file.id) for accepted in result.accepted)
        return Response(status=303, headers={"Location": url_for("pages.index", accepted=ids)})
    response = Response(await fragments.accepted(result.accepted, result.refusals), 201)
    first = result.accepted[0].file.id
    response.headers["Location"] = url_for("files.detail", file_id=first)
    return response


class DeleteQuery(QueryParameters):
    """What the caller expects to happen."""

    only: Literal["", "cancel", "remove"] = Field(
        "", description="Only cancel or only delete; 409 if the current status does not allow it."
    )


_ONLY = {
    "": frozenset(DELETED_AS),
    "cancel": frozenset(DELETED_AS) - {Status.OK},
    "remove": frozenset({Status.OK}),
}


@blueprint.delete("/<int:file_id>/")
@describe({200: (HTML, "A confirmation message."), 404: (HTML, "No such file.")}, query=DeleteQuery)
async def delete(file_id: int) -> str:
    """Delete a finished file's data and results, or cancel an unfinished file.

    Ok becomes Removed, anything else Canceled; running work stops at once.
    """
    only = _ONLY[read_query(DeleteQuery).only]
    file = await core().lifecycle.files.delete(files.validate_id(file_id), only=only)
    if file.status == Status.REMOVED:
        return await fragments.success(messages.deleted(file.name))
    return await fragments.success(messages.cancelled(file.name))


@blueprint.post("/<int:file_id>/retry/")
@describe(
    {
        200: (HTML, "A confirmation message."),
        303: ("", "Redirect to the page, for browsers without scripts."),
        404: (HTML, "No such file, or its data was deleted."),
        409: (HTML, "The file is not Error or Canceled."),
    }
)
async def retry(file_id: int) -> Response:
    """Retry a failed or cancelled file."""
    file = await core().lifecycle.files.retry(files.validate_id(file_id))
    return await _confirm(messages.queued_again(file.name))


@blueprint.post("/bulk/")
@describe(
    {
        200: (HTML, "A message with the number of changed files."),
        303: ("", "Redirect to the page, for browsers without scripts."),
        400: (HTML, "Unknown action, or no files."),
    },
    requestBody={
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["action", "id"],
                    "properties": {
                        "action": {"enum": [str(action) for action in Action]},
                        "id": {"type": "array", "items": {"type": "integer"}},
                    },
                }
            }
        },
    },
)
async def bulk_action() -> Response:
    """Cancel, delete or retry many files, skipping those whose status does not allow it."""
    form = await read_small_form()
    action = next((known for known in Action if known == form.get("action")), None)
    if action is None:
        raise BadForm(f"Unknown action. Choose one of: {', '.join(Action)}.")
    ids = [text for text in form.getlist("id") if text.isascii() and text.isdigit()]
    result = await bulk.apply(core(), action, [files.validate_id(int(text)) for text in ids])
    return await _confirm(str(result))


async def _confirm(text: str) -> Response:
    """Respond with a message, or redirect to the page for a browser without scripts."""
    if fragments.is_navigation():
        return Response(status=303, headers={"Location": url_for("pages.index")})
    return Response(await fragments.success(text))


@blueprint.get("/<int:file_id>/detail/")
@describe({200: (HTML, "The details dialog."), 404: (HTML, "No such file.")})
async def detail(file_id: int) -> str:
    """Get the details of one file."""
    return await fragments.detail(await files.get(file_id), await files.attempts(file_id))


@blueprint.get("/<int:file_id>/original/")
@describe(
    {200: ("text/csv", "The original file."), 404: (HTML, "No such file, or its data was deleted.")}
)
async def original(file_id: int) -> Response:
    """Download the original file."""
    return await files.send_original(file_id)


@blueprint.get("/<int:file_id>/artifact/<name>/")
@describe({200: ("*/*", "The artifact."), 404: (HTML, "No such file or artifact.")})
async def artifact(file_id: int, name: str) -> Response:
    """Download an artifact."""
    return await files.send_artifact(file_id, name)


@blueprint.get("/listen-updates/")
@describe(
    {
        200: (
            "text/event-stream",
            "Events `handlingStatusChanged` with the table, `progressChanged` with single rows.",
        )
    }
)
async def listen_updates() -> Response:
    """Follow the table live, over Server-Sent Events.

    An event's id is its id on the event stream. A client that reconnects with `Last-Event-ID` gets
    the current table; if the events it missed are no longer available, an event `gap` comes first.
    """
    last_id = request.headers.get("Last-Event-ID") or request.args.get("last_event_id", "")
    last_id = last_id if sse.is_stream_id(last_id) else ""
    broadcaster = hub().broadcaster
    subscriber = await broadcaster.subscribe(requested_view(), last_id)
    return sse.respond(_updates(broadcaster, subscriber))


async def _updates(
    broadcaster: Broadcaster, subscriber: Subscriber
) -> AsyncIterator[sse.Message | None]:
    """Yield the client's messages; None as a heartbeat while there are none."""
    try:
        while True:
            try:
                async with asyncio.timeout(sse.HEARTBEAT_SECONDS):
                    message = await subscriber.next()
            except TimeoutError:
                yield None
                continue
            if message is None:
                return
            yield message
    finally:
        broadcaster.unsubscribe(subscriber)
