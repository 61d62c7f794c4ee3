"""Results: the summary, the original file and the artifacts."""

from quart import Response, current_app

from processing.errors import Conflict
from quart_app import files
from quart_app.api.blueprint import blueprint
from quart_app.http.openapi import describe

_DOWNLOAD = {
    206: ("*/*", "The requested range."),
    304: ("", "Not modified."),
}


@blueprint.get("/files/<int:file_id>/result")
@describe({200: ("application/json", "The handler's summary.")})
async def result(file_id: int) -> Response:
    """Get the handler's summary; for the handler `profile`, the profile of the file."""
    file = await files.get(file_id)
    if file.result is None:
        raise Conflict(f"File {file_id} is {file.status} and has no result.")
    text = current_app.json.dumps(file.result)
    return Response(text, content_type="application/json")


@blueprint.get("/files/<int:file_id>/original")
@describe({200: ("text/csv", "The original file."), **_DOWNLOAD})
async def original(file_id: int) -> Response:
    """Download the original file.

    The ETag is its SHA-256; Range, If-Range and If-None-Match are supported.
    """
    return await files.send_original(file_id)


@blueprint.get("/files/<int:file_id>/artifacts/<name>")
@describe({200: ("*/*", "The artifact."), **_DOWNLOAD})
async def artifact(file_id: int, name: str) -> Response:
    """Download an artifact; conditional and range requests work as for the original."""
    return await files.send_artifact(file_id, name)
