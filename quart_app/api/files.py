"""Files: list, create, look, delete, try again."""

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
    answer,
)
from quart_app.http.openapi import describe
from quart_app.http.parameters import Query, query
from quart_app.http.problems import Problem, problem
from quart_app.resources import core, gate, hub
from quart_app.uploads import single_request
from quart_app.uploads.form import FORM_SCHEMA

# Without an event, because Redis is away, a waiting client is answered this late.
LOOK_SECONDS = 2.0
KEY_HEADER = {
    "Idempotency-Key": (
        "Names this request; sent again, it is carried out once.",
        "^[!-~]{1,255}$",
    )
}


class FilesQuery(Query):
    """Which files, in what order."""

    status: list[Status] = Field([], description="Only files with one of these statuses.")
    q: str = Field("", max_length=255, description="Only names that contain this.")
    handler: str = Field("", max_length=200, description="Only files of this handler.")
    sha256: str = Field("", pattern="^([0-9a-f]{64})?$", description="Only these bytes.")
    sort: Sort = Field(Sort.NEWEST, description="By what; a minus turns it round.")
    limit: int = Field(100, ge=1, le=1000, description="Most files in one answer.")
    after: str = Field("", max_length=2000, description="The `next` of the page before.")


@blueprint.get("/files")
@describe({200: (FilePage, "A page of files.")}, query=FilesQuery)
async def list_files() -> Response:
    """List files, newest first.

    Pages are stable while files come and go: `after` says where to go on, not how many to skip.
    """
    asked = query(FilesQuery)
    selection = Selection(
        statuses=frozenset(asked.status),
        search=asked.q,
        handler=asked.handler,
        sha256=asked.sha256,
        sort=asked.sort,
    )
    after = Cursor.parse(asked.after) if asked.after else None
    async with core().database.connect() as connection:
        page = await repository.list_files(
            connection, limit=asked.limit, selection=selection, after=after
        )
    token = str(page.next) if page.next else None
    body = FilePage(files=[FileOut.of(file) for file in page.files], next=token)
    if token is None:
        return answer(body)
    others = [pair for pair in request.args.items(multi=True) if pair[0] != "after"]
    link = f"<{request.path}?{urlencode([*others, ('after', token)])}>; rel=next"
    return answer(body, Link=link)


@blueprint.post("/files")
@describe(
    {201: (CreatedMany, "At least one file is in line.")},
    headers=KEY_HEADER,
    requestBody=FORM_SCHEMA,
)
async def create_files() -> Response:
    """Take in a form of files, each in a field `file` of type text/csv."""
    taken = await files.take_form()
    created = [Created.of(accepted) for accepted in taken.accepted]
    refused = [
        Problem(**problem(type(refusal).__name__, refusal.status, str(refusal)))
        for refusal in taken.refusals
    ]
    body = CreatedMany(created=created, refused=refused)
    return answer(body, 201, Location=created[0].file.url)


@blueprint.put("/files/<name>")
@describe(
    {201: (Created, "The file is in line.")},
    headers={
        "Content-Digest": (
            "The body's SHA-256 (RFC 9530), to be checked.",
            "^sha-256=:[A-Za-z0-9+/]{43}=:$",
        ),
        **KEY_HEADER,
    },
    requestBody={
        "required": True,
        "content": {"text/csv": {"schema": {}}},
    },
)
async def put_file(name: str) -> Response:
    """Take in a file that is the whole body, as `curl -T` sends it.

    `?handler=` and `?option.<name>=` say what to do with it. Sent twice it makes two files, unless
    an Idempotency-Key says that it is the same request.
    """
    accepted = await single_request.take_body(
        core(),
        gate(),
        aiter(request.body),
        name=name,
        fields=request.args.to_dict(),
        content_type=request.headers.get("Content-Type", ""),
        length=request.content_length,
        digest=request.headers.get("Content-Digest", ""),
        key=request.headers.get("Idempotency-Key"),
    )
    created = Created.of(accepted)
    return answer(created, 201, Location=created.file.url)


class WaitQuery(Query):
    """How long to wait."""

    wait: float = Field(0, ge=0, le=60, description="Seconds to wait until the file has ended.")


@blueprint.get("/files/<int:file_id>")
@describe({200: (FileDetail, "The file.")}, query=WaitQuery)
async def get_file(file_id: int) -> Response:
    """Look at one file; with `?wait=30` the answer comes when it has ended, or after 30 seconds."""
    deadline = time.monotonic() + query(WaitQuery).wait
    file = await files.get(file_id)
    while not file.terminal and (left := deadline - time.monotonic()) > 0:
        await hub().journal.wait_for(file_id, min(left, LOOK_SECONDS))
        file = await files.get(file_id)
    earlier = await files.attempts(file_id)
    return answer(FileDetail.of(file, attempts=[AttemptOut.of(attempt) for attempt in earlier]))


@blueprint.delete("/files/<int:file_id>")
@describe({200: (FileOut, "The file as it stands now.")})
async def delete_file(file_id: int) -> Response:
    """Remove a finished file's data, or cancel any other.

    Ok becomes Removed, anything else Canceled; running work stops at once.
    """
    return answer(FileOut.of(await core().lifecycle.files.delete(files.checked(file_id))))


@blueprint.post("/files/<int:file_id>/retry")
@describe({200: (FileOut, "The file, in line again.")})
async def retry_file(file_id: int) -> Response:
    """Start a file that ended as Error or Canceled afresh."""
    return answer(FileOut.of(await core().lifecycle.files.retry(files.checked(file_id))))
