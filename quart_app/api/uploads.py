"""Resumable uploads: the tus protocol, version 1.0.0.

Extensions: creation, creation-with-upload, termination, checksum, expiration.
Source: https://tus.io/protocols/resumable-upload
"""

from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import Any

from quart import Response, request, url_for
from werkzeug.exceptions import MethodNotAllowed, PreconditionFailed

from processing.errors import BadForm, Conflict, NotCsv, TooLarge
from processing.models import ResumableUpload
from quart_app.api.blueprint import blueprint
from quart_app.api.files import IDEMPOTENCY_HEADER
from quart_app.api.models import UploadOut, json_response
from quart_app.http.openapi import describe
from quart_app.resources import admission, core, settings
from quart_app.uploads import owner, resumable, tus
from quart_app.uploads.body import discard
from quart_app.uploads.resumable import UploadState
from quart_app.uploads.submit import idempotency_key

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
CHUNK_TYPE = "application/offset+octet-stream"
_TUS_HEADERS = {"Tus-Resumable": (f"Protocol version: {VERSION}.", r"^1\.0\.0$")}
_CHECKSUM = {
    "Upload-Checksum": (
        "Algorithm and base64 digest of the body: sha256, sha1 or md5.",
        "^(sha256|sha1|md5) [A-Za-z0-9+/]{22,43}={0,2}$",
    )
}
_BODY: dict[str, Any] = {"content": {CHUNK_TYPE: {"schema": {}}}}


@blueprint.after_request
async def add_version_headers(response: Response) -> Response:
    """Name the protocol version in every response, errors included."""
    if request.path.startswith("/api/v1/uploads"):
        response.headers["Tus-Resumable"] = response.headers["Tus-Version"] = VERSION
    return response


def _check_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise PreconditionFailed(f"The header Tus-Resumable: {VERSION} is required.")


def _byte_count(header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadForm(f"{header} must be a number of bytes.")
    return int(text)


def _headers(state: UploadState) -> dict[str, str]:
    headers = {
        "Upload-Offset": str(state.offset),
        "Upload-Expires": format_datetime(state.upload.expires_at, usegmt=True),
        "Cache-Control": "no-store",
    }
    if state.file_id is not None:
        headers["Millrace-File"] = str(state.file_id)
    return headers


@blueprint.route("/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@describe({204: ("", "The supported protocol features, in headers.")})
async def upload_options() -> Response:
    """Get the supported protocol features."""
    headers = {
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings().max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUMS),
    }
    return Response(status=204, headers=headers)


@blueprint.post("/uploads")
@describe(
    {201: ("", "The upload was created; Location is its URL.")},
    headers={
        **_TUS_HEADERS,
        "Upload-Length": ("The size of the file in bytes.", "^[1-9][0-9]{0,8}$"),
        "Upload-Metadata": (
            "Pairs of key and base64 value: filename, filetype, handler, option.<name>.",
            "^filename YS5jc3Y=$",
        ),
        **_CHECKSUM,
        **IDEMPOTENCY_HEADER,
    },
    requestBody=_BODY,
)
async def create_upload() -> Response:
    """Create an upload; a body of type application/offset+octet-stream is its first chunk."""
    body = aiter(request.body)
    try:
        _check_version()
        if "Upload-Defer-Length" in request.headers:
            raise BadForm("Upload-Length is required; deferring it is not supported.")
        length = _byte_count("Upload-Length")
        checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
        if length > settings().max_upload_bytes:
            raise TooLarge(f"The file is larger than {settings().max_upload_mb:,} MiB.")
        upload = await resumable.create(
            core(),
            admission(),
            length=length,
            metadata=request.headers.get("Upload-Metadata", ""),
            owner=owner.digest(),
            key=idempotency_key(request.headers.get("Idempotency-Key")),
        )
    except Exception:
        await discard(body)
        raise
    state = await resumable.peek(core(), upload)
    if request.mimetype == CHUNK_TYPE and state.offset == 0:
        state = await resumable.append(
            core(),
            admission(),
            upload,
            body,
            offset=0,
            length=request.content_length,
            checksum=checksum,
        )
    headers = _headers(state)
    headers["Location"] = url_for("api.upload_state", upload_id=upload.id)
    return Response(status=201, headers=headers)


@blueprint.get("/uploads/<upload_id>")
@describe({200: (UploadOut, "The upload.")})
async def upload_state(upload_id: str) -> Response:
    """Get the progress of an upload.

    HEAD, as tus defines it, also takes the upload over from a dead connection, and turns a complete
    upload into a file.
    """
    upload = await resumable.find(core(), upload_id, owner.digest())
    if request.method == "HEAD":
        _check_version()
        state = await resumable.resume_or_finish(core(), upload)
        headers = _headers(state) | {"Upload-Length": str(upload.length)}
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        return Response(status=200, headers=headers)
    state = await resumable.peek(core(), upload)
    body = UploadOut(
        id=upload.id,
        name=upload.name,
        length=upload.length,
        offset=state.offset,
        expires_at=upload.expires_at,
        file_id=state.file_id,
        url=request.path,
    )
    return json_response(body)


@blueprint.patch("/uploads/<upload_id>")
@describe(
    {204: ("", "The bytes were stored; Upload-Offset is the new offset.")},
    headers={
        **_TUS_HEADERS,
        "Upload-Offset": ("The current offset of the upload.", "^[0-9]{1,18}$"),
        **_CHECKSUM,
    },
    requestBody=_BODY,
)
async def append_to_upload(upload_id: str) -> Response:
    """Append a chunk.

    The response to the last chunk has the id of the resulting file in Millrace-File.
    """
    body = aiter(request.body)
    try:
        _check_version()
        offset = _byte_count("Upload-Offset")
        checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
        if request.mimetype != CHUNK_TYPE:
            raise NotCsv(f"The body must have the type {CHUNK_TYPE}.")
        upload = await resumable.find(core(), upload_id, owner.digest())
    except Exception:
        await discard(body)
        raise
    return await _append(upload, body, offset, checksum)


async def _append(
    upload: ResumableUpload,
    body: AsyncIterator[bytes],
    offset: int,
    checksum: tuple[str, bytes] | None,
) -> Response:
    state = await resumable.append(
        core(),
        admission(),
        upload,
        body,
        offset=offset,
        length=request.content_length,
        checksum=checksum,
    )
    return Response(status=204, headers=_headers(state))


@blueprint.delete("/uploads/<upload_id>")
@describe({204: ("", "The upload was discarded.")}, headers=_TUS_HEADERS)
async def terminate_upload(upload_id: str) -> Response:
    """Discard an unfinished upload."""
    _check_version()
    upload = await resumable.find(core(), upload_id, owner.digest())
    if upload.file_id is not None:
        raise Conflict(f"This upload is complete. Delete file {upload.file_id} instead.")
    await resumable.terminate(core(), upload)
    return Response(status=204)


@blueprint.post("/uploads/<upload_id>")
@describe(
    {204: ("", "As for PATCH or DELETE.")},
    headers={
        **_TUS_HEADERS,
        "X-HTTP-Method-Override": ("The intended method.", "^(PATCH|DELETE)$"),
    },
    requestBody=_BODY,
)
async def override_method(upload_id: str) -> Response:
    """Method override for clients without PATCH or DELETE."""
    match request.headers.get("X-HTTP-Method-Override"):
        case "PATCH":
            return await append_to_upload(upload_id)
        case "DELETE":
            return await terminate_upload(upload_id)
    raise MethodNotAllowed(["GET", "HEAD", "PATCH", "DELETE"])
