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
from quart_app.api.files import KEY_HEADER
from quart_app.api.models import UploadOut, answer
from quart_app.http.openapi import describe
from quart_app.resources import core, gate, settings
from quart_app.uploads import owner, resumable, tus
from quart_app.uploads.body import discard
from quart_app.uploads.resumable import State
from quart_app.uploads.submit import idempotency_key

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
PIECE = "application/offset+octet-stream"
_TUS = {"Tus-Resumable": (f"The version of the protocol: {VERSION}.", r"^1\.0\.0$")}
_CHECKSUM = {
    "Upload-Checksum": (
        "Algorithm and base64 digest of the body: sha256, sha1 or md5.",
        "^(sha256|sha1|md5) [A-Za-z0-9+/]{22,43}={0,2}$",
    )
}
_BODY: dict[str, Any] = {"content": {PIECE: {"schema": {}}}}


@blueprint.after_request
async def say_version(response: Response) -> Response:
    """Every answer of the protocol names its version, errors too."""
    if request.path.startswith("/api/v1/uploads"):
        response.headers["Tus-Resumable"] = response.headers["Tus-Version"] = VERSION
    return response


def _check_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise PreconditionFailed(f"Send the header Tus-Resumable: {VERSION}.")


def _number(header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadForm(f"Send {header}: a number of bytes.")
    return int(text)


def _headers(state: State) -> dict[str, str]:
    headers = {
        "Upload-Offset": str(state.offset),
        "Upload-Expires": format_datetime(state.upload.expires_at, usegmt=True),
        "Cache-Control": "no-store",
    }
    if state.file_id is not None:
        headers["Millrace-File"] = str(state.file_id)
    return headers


@blueprint.route("/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@describe({204: ("", "What the server can do, in headers.")})
async def upload_options() -> Response:
    """Ask what the server can do of the protocol."""
    headers = {
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings().max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUMS),
    }
    return Response(status=204, headers=headers)


@blueprint.post("/uploads")
@describe(
    {201: ("", "The upload has begun; Location is its address.")},
    headers={
        **_TUS,
        "Upload-Length": ("The size of the file in bytes.", "^[1-9][0-9]{0,8}$"),
        "Upload-Metadata": (
            "Keys and base64 values: filename, filetype, handler, option.<name>.",
            "^filename YS5jc3Y=$",
        ),
        **_CHECKSUM,
        **KEY_HEADER,
    },
    requestBody=_BODY,
)
async def create_upload() -> Response:
    """Begin an upload; a body of type application/offset+octet-stream is its first piece."""
    body = aiter(request.body)
    try:
        _check_version()
        if "Upload-Defer-Length" in request.headers:
            raise BadForm("Say the Upload-Length at once; deferring it is not supported.")
        length = _number("Upload-Length")
        checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
        if length > settings().max_upload_bytes:
            raise TooLarge(f"The file is larger than {settings().max_upload_mb} MiB.")
        upload = await resumable.create(
            core(),
            gate(),
            length=length,
            metadata=request.headers.get("Upload-Metadata", ""),
            owner=owner.digest(),
            key=idempotency_key(request.headers.get("Idempotency-Key")),
        )
    except Exception:
        await discard(body)
        raise
    state = await resumable.glance(core(), upload)
    if request.mimetype == PIECE and state.offset == 0:
        state = await resumable.append(
            core(), gate(), upload, body, offset=0, length=request.content_length, checksum=checksum
        )
    headers = _headers(state)
    headers["Location"] = url_for("api.upload_state", upload_id=upload.id)
    return Response(status=201, headers=headers)


@blueprint.get("/uploads/<upload_id>")
@describe({200: (UploadOut, "The upload.")})
async def upload_state(upload_id: str) -> Response:
    """Ask how far an upload is.

    HEAD is tus's way: it also frees the upload from a request whose connection died unnoticed,
    and makes a file of one that is whole.
    """
    upload = await resumable.find(core(), upload_id, owner.digest())
    if request.method == "HEAD":
        _check_version()
        state = await resumable.state(core(), upload)
        headers = _headers(state) | {"Upload-Length": str(upload.length)}
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        return Response(status=200, headers=headers)
    state = await resumable.glance(core(), upload)
    shown = UploadOut(
        id=upload.id,
        name=upload.name,
        length=upload.length,
        offset=state.offset,
        expires_at=upload.expires_at,
        file_id=state.file_id,
        url=request.path,
    )
    return answer(shown)


@blueprint.patch("/uploads/<upload_id>")
@describe(
    {204: ("", "The bytes are there; Upload-Offset is where to go on.")},
    headers={
        **_TUS,
        "Upload-Offset": ("Where the upload stands.", "^[0-9]{1,18}$"),
        **_CHECKSUM,
    },
    requestBody=_BODY,
)
async def append_to_upload(upload_id: str) -> Response:
    """Send the bytes that follow.

    The answer to the last of them names the file that the upload has become in Millrace-File.
    """
    body = aiter(request.body)
    try:
        _check_version()
        offset = _number("Upload-Offset")
        checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
        if request.mimetype != PIECE:
            raise NotCsv(f"The body of a PATCH is of type {PIECE}.")
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
        gate(),
        upload,
        body,
        offset=offset,
        length=request.content_length,
        checksum=checksum,
    )
    return Response(status=204, headers=_headers(state))


@blueprint.delete("/uploads/<upload_id>")
@describe({204: ("", "The upload is ended and what came of it gone.")}, headers=_TUS)
async def end_upload(upload_id: str) -> Response:
    """End an upload that shall not go on; a file that it became stays."""
    _check_version()
    upload = await resumable.find(core(), upload_id, owner.digest())
    if upload.file_id is not None:
        raise Conflict(f"This upload is complete; DELETE file {upload.file_id} instead.")
    await resumable.end(core(), upload)
    return Response(status=204)


@blueprint.post("/uploads/<upload_id>")
@describe(
    {204: ("", "As PATCH or DELETE.")},
    headers={**_TUS, "X-HTTP-Method-Override": ("What is meant.", "^(PATCH|DELETE)$")},
    requestBody=_BODY,
)
async def override(upload_id: str) -> Response:
    """Do what X-HTTP-Method-Override says, for clients that can send neither PATCH nor DELETE."""
    match request.headers.get("X-HTTP-Method-Override"):
        case "PATCH":
            return await append_to_upload(upload_id)
        case "DELETE":
            return await end_upload(upload_id)
    raise MethodNotAllowed(["GET", "HEAD", "PATCH", "DELETE"])
