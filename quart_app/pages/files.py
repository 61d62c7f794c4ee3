"""The routes of processing files: the public contract."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field
from quart import Blueprint, Response, request, url_for

from processing.errors import BadForm
from processing.states import DELETED_AS, Status
from quart_app import bulk, files
from quart_app.bulk import Action
from quart_app.http.openapi import describe
from quart_app.http.parameters import Query, query, small_form
from quart_app.live import sse
from quart_app.live.hub import Hub
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
        201: (HTML, "A message per accepted file."),
        303: ("", "To the page, for browsers that run no script."),
        400: (HTML, "Not the form we ask for, or a name that cannot be used."),
        408: (HTML, "Too slow."),
        413: (HTML, "Too large."),
        415: (HTML, "Not text/csv."),
        422: (HTML, "No such handler, or an empty file."),
        429: (HTML, "Too much at once."),
        503: (HTML, "PostgreSQL or Redis is away; no byte was taken."),
        507: (HTML, "The disk is full."),
    },
    requestBody=FORM_SCHEMA,
)
async def upload() -> Response:
    """Take in a CSV file, multipart field `file`.

    Options of the handler are fields named `option.<name>`.
    """
    taken = await files.take_form()
    if fragments.is_navigation():
        ids = ",".join(str(accepted.file.id) for accepted in taken.accepted)
        return Response(status=303, headers={"Location": url_for("pages.index", accepted=ids)})
    response = Response(await fragments.accepted(taken.accepted, taken.refusals), 201)
    first = taken.accepted[0].file.id
    response.headers["Location"] = url_for("files.detail", file_id=first)
    return response


class DeleteQuery(Query):
    """What the caller has in mind."""

    only: Literal["", "cancel", "remove"] = Field(
        "", description="Do nothing but cancel, or remove; 409 if the status is another by now."
    )


_ONLY = {
    "": frozenset(DELETED_AS),
    "cancel": frozenset(DELETED_AS) - {Status.OK},
    "remove": frozenset({Status.OK}),
}


@blueprint.delete("/<int:file_id>/")
@describe({200: (HTML, "A message."), 404: (HTML, "No such file.")}, query=DeleteQuery)
async def delete(file_id: int) -> str:
    """Remove a finished file's data, or cancel any other.

    Ok becomes Removed, anything else Canceled; running work stops at once.
    """
    only = _ONLY[query(DeleteQuery).only]
    file = await core().lifecycle.files.delete(files.checked(file_id), only=only)
    if file.status == Status.REMOVED:
        return await fragments.success(f"The data of “{file.name}” is removed.")
    return await fragments.success(f"“{file.name}” is canceled.")


@blueprint.post("/<int:file_id>/retry/")
@describe(
    {
        200: (HTML, "A message."),
        303: ("", "To the page, for browsers that run no script."),
        404: (HTML, "No such file, or its data is gone."),
        409: (HTML, "It runs, or it is Ok or Removed."),
    }
)
async def retry(file_id: int) -> Response:
    """Start a file that ended as Error or Canceled afresh."""
    file = await core().lifecycle.files.retry(files.checked(file_id))
    return await _said(f"“{file.name}” is in line again.")


@blueprint.post("/bulk/")
@describe(
    {
        200: (HTML, "A message that says how many were changed."),
        303: ("", "To the page, for browsers that run no script."),
        400: (HTML, "No such action, or no file."),
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
async def change_many() -> Response:
    """Cancel, remove or try again many files at once; those it does not fit are passed over."""
    form = await small_form()
    action = next((known for known in Action if known == form.get("action")), None)
    if action is None:
        raise BadForm(f"The action is one of: {', '.join(Action)}.")
    ids = [text for text in form.getlist("id") if text.isascii() and text.isdigit()]
    outcome = await bulk.apply(core(), action, [files.checked(int(text)) for text in ids])
    many = "1 file is" if outcome.done == 1 else f"{outcome.done} files are"
    text = f"{many} {bulk.DONE[action]}."
    if outcome.passed_over:
        text += f" {outcome.passed_over} had another status and stay as they are."
    return await _said(text)


async def _said(text: str) -> Response:
    """Answer with a message, or with the page where no script can show one."""
    if fragments.is_navigation():
        return Response(status=303, headers={"Location": url_for("pages.index")})
    return Response(await fragments.success(text))


@blueprint.get("/<int:file_id>/detail/")
@describe({200: (HTML, "The detail popup."), 404: (HTML, "No such file.")})
async def detail(file_id: int) -> str:
    """Everything known about one file."""
    return await fragments.detail(await files.get(file_id), await files.attempts(file_id))


@blueprint.get("/<int:file_id>/original/")
@describe({200: ("text/csv", "The upload."), 404: (HTML, "No such file, or its data is gone.")})
async def original(file_id: int) -> Response:
    """Download the file as it was uploaded."""
    return await files.send_original(file_id)


@blueprint.get("/<int:file_id>/artifact/<name>/")
@describe({200: ("*/*", "The artifact."), 404: (HTML, "No such file or artifact.")})
async def artifact(file_id: int, name: str) -> Response:
    """Download what the handler made of the file."""
    return await files.send_artifact(file_id, name)


@blueprint.get("/listen-updates/")
@describe(
    {
        200: (
            "text/event-stream",
            "Events `handlingStatusChanged`, data: the table; `progressChanged`, data: rows.",
        )
    }
)
async def listen_updates() -> Response:
    """Follow the table live, by Server-Sent Events.

    The id of an event is its id on the event stream. A client that sends `Last-Event-ID` gets what
    it missed; if that is gone it gets an event `gap` and the whole table.
    """
    last_id = request.headers.get("Last-Event-ID") or request.args.get("last_event_id", "")
    streams = hub()
    last_id = last_id if sse.is_stream_id(last_id) else ""
    return sse.respond(_pictures(streams, await streams.subscribe(requested_view(), last_id)))


async def _pictures(streams: Hub, subscriber: Subscriber) -> AsyncIterator[sse.Message | None]:
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
        streams.unsubscribe(subscriber)
