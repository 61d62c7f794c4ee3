"""Files, as the routes of the page and of the API ask for them."""

from pathlib import Path

from quart import Response, request
from quart.utils import run_sync

from processing import repository
from processing.errors import NotFound
from processing.models import Attempt, ProcessingFile
from quart_app.http.downloads import download
from quart_app.http.openapi import MOST_ID
from quart_app.resources import core, gate
from quart_app.uploads import single_request
from quart_app.uploads.names import CSV_TYPE
from quart_app.uploads.single_request import Taken


def checked(file_id: int) -> int:
    """Return ``file_id`` if it can be one. Raises NotFound."""
    if not 0 < file_id <= MOST_ID:
        raise NotFound(f"There is no file {file_id}.")
    return file_id


async def get(file_id: int) -> ProcessingFile:
    """Read a file with its result. Raises NotFound."""
    async with core().database.connect() as connection:
        file = await repository.get_file(connection, checked(file_id))
    if file is None:
        raise NotFound(f"There is no file {file_id}.")
    return file


async def attempts(file_id: int) -> list[Attempt]:
    """Read the earlier attempts at a file."""
    async with core().database.connect() as connection:
        return await repository.list_attempts(connection, checked(file_id))


async def send_original(file_id: int) -> Response:
    """Send an upload as it came. Raises NotFound."""
    file = await get(file_id)
    return await download(core().storage.original(file.id), file.name, CSV_TYPE, file.sha256)


async def send_artifact(file_id: int, name: str) -> Response:
    """Send what a handler made. Raises NotFound."""
    file = await get(file_id)
    for known in file.artifacts:
        if known["name"] == name:
            path = await run_sync(core().storage.artifact)(file.id, file.attempt, name)
            stem = Path(file.name).stem or str(file.id)
            return await download(path, f"{stem}.{name}", known["media_type"], known["sha256"])
    raise NotFound(f"File {file_id} has no artifact of this name.")


async def take_form() -> Taken:
    """Take in the form that the request is. Raises Refused or ServiceUnavailable."""
    return await single_request.take_form(
        core(),
        gate(),
        aiter(request.body),
        content_type=request.headers.get("Content-Type", ""),
        length=request.content_length,
        key=request.headers.get("Idempotency-Key"),
    )
