"""Files: list, upload, get, delete, retry."""

import time
from urllib.parse import urlencode

from pydantic import Field
from quart import Response, request

from processing import repository
from processing.repository import Cursor, Selection, Sort
from processing.states import Status
from quart_app import files
from quart_app.api.blueprint import blueprint
from quart_app.api.models import (
    AttemptOut,
    Created,
    CreatedMany,
    FileDetail,
    FileOut,
    FilePage,
    json_response,
)
from quart_app.http.openapi import describe
from quart_app.http.parameters import QueryParameters, read_query
from quart_app.http.problems import Problem, problem_details
from quart_app.resources import admission, core, hub
from quart_app.uploads import single_request
from quart_app.uploads.form import FORM_SCHEMA

# Bounds the delay of `wait` when no event arrives because Redis is unavailable.
POLL_SECONDS = 2.0
IDEMPOTENCY_HEADER = {
    "Idempotency-Key": (
        "Identifies this request; a repeated request is carried out only once.",
        "^[!-~]{1,255}$",
    )
}


class FilesQuery(QueryParameters):
    """Which files, in what order."""

    status: list[Status] = Field([], description="Only files with one of these statuses.")
    q: str = Field("", max_length=255, description="Only files whose name contains this.")
    handler: str = Field("", max_length=200, description="Only files of this handler.")
    sha256: str = Field(
        "", pattern="^([0-9a-f]{64})?$", description="Only files with this SHA-256."
    )
    sort: Sort = Field(Sort.NEWEST, description="Sort key; prefix with - for descending.")
    limit: int = Field(100, ge=1, le=1000, description="Maximum number of files in the response.")
    after: str = Field("", max_length=2000, description="The `next` of the previous page.")


@blueprint.get("/files")
@describe({200: (FilePage, "A page of files.")}, query=FilesQuery)
async def list_files() -> Response:
    """List files, newest first.

    Pages are stable while files are added and deleted: `after` names the last file of the previous
    page, not a number of files to skip.
    """
    filters = read_query(FilesQuery)
    selection = Selection(
        statuses=frozenset(filters.status),
        search=filters.q,
        handler=filters.handler,
        sha256=filters.sha256,
        sort=filters.sort,
    )
    after = Cursor.parse(filters.after) if filters.after else None
    async with core().database.connect() as connection:
        page = await repository.list_files(
            connection, limit=filters.limit, selection=selection, after=after
        )
    token = str(page.next) if page.next else None
    body = FilePage(files=[FileOut.of(file) for file in page.files], next=token)
    if token is None:
        return json_response(body)
    others = [pair for pair in request.args.items(multi=True) if pair[0] != "after"]
    link = f"<{request.path}?{urlencode([*others, ('after', token)])}>; rel=next"
    return json_response(body, Link=link)


@blueprint.post("/files")
@describe(
    {201: (CreatedMany, "At least one file is queued.")},
    headers=IDEMPOTENCY_HEADER,
    requestBody=FORM_SCHEMA,
)
async def create_files() -> Response:
    """Upload a form of files, each in a field `file` of type text/csv."""
    received = await files.receive_form()
    created = [Created.of(accepted) for accepted in received.accepted]
    refused = [
        Problem(**problem_details(type(refusal).__name__, refusal.status, str(refusal)))
        for refusal in received.refusals
    ]
    body = CreatedMany(created=created, refused=refused)
    return json_response(body, 201, Location=created[0].file.url)


@blueprint.put("/files/<name>")
@describe(
    {201: (Created, "The file is queued.")},
    headers={
        "Content-Digest": (
            "The body's SHA-256 (RFC 9530), which is verified.",
            "^sha-256=:[A-Za-z0-9+/]{43}=:$",
        ),
        **IDEMPOTENCY_HEADER,
    },
    requestBody={
        "required": True,
        "content": {"text/csv": {"schema": {}}},
    },
)
async def put_file(name: str) -> Response:
    """Upload a file as the request body, as `curl -T` does.

    `?handler=` and `?option.<name>=` choose how it is processed. Sending it twice creates two files
    unless both requests have the same Idempotency-Key.
    """
    accepted = await single_request.receive_body(
        core(),
        admission(),
        aiter(request.body),
        name=name,
        fields=request.args.to_dict(),
        content_type=request.headers.get("Content-Type", ""),
        length=request.content_length,
        digest=request.headers.get("Content-Digest", ""),
        key=request.headers.get("Idempotency-Key"),
    )
    created = Created.of(accepted)
    return json_response(created, 201, Location=created.file.url)


class WaitQuery(QueryParameters):
    """How long to wait."""

    wait: float = Field(
        0, ge=0, le=60, description="Maximum seconds to wait until it has finished."
    )


@blueprint.get("/files/<int:file_id>")
@describe({200: (FileDetail, "The file.")}, query=WaitQuery)
async def get_file(file_id: int) -> Response:
    """Get one file; `?wait=30` responds when it has finished, or after 30 seconds."""
    deadline = time.monotonic() + read_query(WaitQuery).wait
    file = await files.get(file_id)
    while not file.terminal and (remaining := deadline - time.monotonic()) > 0:
        await hub().buffer.wait_for_status(file_id, min(remaining, POLL_SECONDS))
        file = await files.get(file_id)
    earlier = await files.attempts(file_id)
    return json_response(
        FileDetail.of(file, attempts=[AttemptOut.of(attempt) for attempt in earlier])
    )


@blueprint.delete("/files/<int:file_id>")
@describe({200: (FileOut, "The file after the change.")})
async def delete_file(file_id: int) -> Response:
    """Delete a finished file's data and results, or cancel an unfinished file.

    Ok becomes Removed, anything else Canceled; running work stops at once.
    """
    return json_response(
        FileOut.of(await core().lifecycle.files.delete(files.validate_id(file_id)))
    )


@blueprint.post("/files/<int:file_id>/retry")
@describe({200: (FileOut, "The file, queued again.")})
async def retry_file(file_id: int) -> Response:
    """Retry a failed or cancelled file."""
    return json_response(FileOut.of(await core().lifecycle.files.retry(files.validate_id(file_id))))
