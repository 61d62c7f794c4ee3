"""Reading, sending and receiving files, shared by the routes of the page and of the API."""

from pathlib import Path

from quart import Response, request
from quart.utils import run_sync

from processing import repository
from processing.errors import NotFound
from processing.models import Attempt, ProcessingFile
from quart_app import messages
from quart_app.http.downloads import download
from quart_app.http.openapi import MAX_ID
from quart_app.resources import admission, core
from quart_app.uploads import single_request
from quart_app.uploads.names import CSV_TYPE
from quart_app.uploads.single_request import FormResult


def validate_id(file_id: int) -> int:
    """Return ``file_id`` if the database can hold it. Raises NotFound."""
    if not 0 < file_id <= MAX_ID:
        raise NotFound(messages.no_file(file_id))
    return file_id


async def get(file_id: int) -> ProcessingFile:
    """Read a file with its result. Raises NotFound."""
    async with core().database.connect() as connection:
        file = await repository.get_file(connection, validate_id(file_id))
    if file is None:
        raise NotFound(messages.no_file(file_id))
    return file


async def attempts(file_id: int) -> list[Attempt]:
    """Read the earlier attempts of a file. Raises NotFound for an impossible id."""
    async with core().database.connect() as connection:
        return await repository.list_attempts(connection, validate_id(file_id))


async def send_original(file_id: int) -> Response:
    """Send the file as it was uploaded. Raises NotFound."""
    file = await get(file_id)
    return await download(core().storage.original(file.id), file.name, CSV_TYPE, file.sha256)


async def send_artifact(file_id: int, name: str) -> Response:
    """Send an artifact, named after its file. Raises NotFound."""
    file = await get(file_id)
    for artifact in file.artifacts:
        if artifact["name"] == name:
            path = await run_sync(core().storage.artifact)(file.id, file.attempt, name)
            stem = Path(file.name).stem or str(file.id)
            media_type, sha256 = artifact["media_type"], artifact["sha256"]
            return await download(path, f"{stem}.{name}", media_type, sha256)
    raise NotFound(f"File {file_id} has no artifact of this name.")


async def receive_form() -> FormResult:
    """Receive the multipart form in the request. Raises Refused or ServiceUnavailable."""
    return await single_request.receive_form(
        core(),
        admission(),
        aiter(request.body),
        content_type=request.headers.get("Content-Type", ""),
        length=request.content_length,
        key=request.headers.get("Idempotency-Key"),
    )
