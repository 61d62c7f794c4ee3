"""Files as answers: in parts, again only if they changed, under a name that is fit for a disk."""

import unicodedata
from pathlib import Path
from urllib.parse import quote

from quart import Response, request, send_file
from quart.wrappers.response import FileBody
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from processing.errors import NotFound


class LargeFileBody(FileBody):
    """Reads more at once than the 8 KiB that are usual, for each is a trip to a thread."""

    buffer_size = 256 * 1024


def disposition(name: str) -> str:
    """Content-Disposition of a download: plain ASCII for old clients, the whole name for others.

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
        NotFound: it is gone.
    """
    if request.if_none_match.contains_weak(sha256):
        response = Response(status=304)
    else:
        try:
            response = await send_file(path, mimetype=media_type, add_etags=False, cache_timeout=0)
        except FileNotFoundError as error:
            raise NotFound("The data of this file is gone.") from error
        await _cut(response, sha256)
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Content-Disposition"] = disposition(name)
    response.set_etag(sha256)
    response.timeout = None
    return response


async def _cut(response: Response, etag: str) -> None:
    """Leave the part of a response that was asked for, if one was and it is still the same file."""
    asked, size = request.range, response.content_length or 0
    still = request.if_range.etag in (None, etag) and request.if_range.date is None
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not still:
        return
    part = asked.range_for_length(size)
    if part is None:
        raise RequestedRangeNotSatisfiable(size)
    begin, end = part
    assert isinstance(response.response, FileBody)
    await response.response.make_conditional(begin, end)
    response.status_code = 206
    response.content_length = end - begin
    response.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
