"""Files as responses: ranges, conditional requests, and a file name for the download."""

import unicodedata
from pathlib import Path
from urllib.parse import quote

from quart import Response, request, send_file
from quart.wrappers.response import FileBody
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from processing.errors import NotFound


class LargeFileBody(FileBody):
    """Reads more than the default 8 KiB at once, because each read is a switch to a thread."""

    buffer_size = 256 * 1024


def content_disposition(name: str) -> str:
    """Content-Disposition of a download: an ASCII name for old clients, the exact name for others.

    Format: RFC 6266, RFC 8187.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join("_" if c in '"\\%' or not c.isprintable() else c for c in plain) or "data.csv"
    exact = quote(name, safe="!#$&+-.^_`|~")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"


async def download(path: Path, name: str, media_type: str, sha256: str) -> Response:
    """Send a file with its digest as ETag; honours Range, If-Range and If-None-Match.

    Rules: RFC 9110, sections 13 and 14. Quart's own fails on ``bytes=-100``.

    Raises:
        NotFound: the file's data was deleted.
    """
    if request.if_none_match.contains_weak(sha256):
        response = Response(status=304)
    else:
        try:
            response = await send_file(path, mimetype=media_type, add_etags=False, cache_timeout=0)
        except FileNotFoundError as error:
            raise NotFound("The data of this file was deleted.") from error
        await _apply_range(response, sha256)
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Content-Disposition"] = content_disposition(name)
    response.set_etag(sha256)
    response.timeout = None
    return response


async def _apply_range(response: Response, etag: str) -> None:
    """Reduce a response to the requested range, unless the file changed since (If-Range)."""
    requested, size = request.range, response.content_length or 0
    unchanged = request.if_range.etag in (None, etag) and request.if_range.date is None
    if (
        requested is None
        or requested.units != "bytes"
        or len(requested.ranges) != 1
        or not unchanged
    ):
        return
    part = requested.range_for_length(size)
    if part is None:
        raise RequestedRangeNotSatisfiable(size)
    begin, end = part
    assert isinstance(response.response, FileBody)
    await response.response.make_conditional(begin, end)
    response.status_code = 206
    response.content_length = end - begin
    response.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
