"""Files as answers: in parts, again only if they changed, under a name that is fit for a disk."""

import unicodedata
from pathlib import Path
from urllib.parse import quote

from quart import Response, request, send_file
from quart.wrappers.response import FileBody

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


async def download(path: Path, name: str, media_type: str, sha256: str | None) -> Response:
    """Send a file with its digest as ETag; honours Range, If-Range and If-None-Match.

    Raises:
        NotFound: it is gone.
    """
    try:
        response = await send_file(
            path,
            mimetype=media_type,
            add_etags=sha256 is None,
            cache_timeout=0,
        )
        response.headers["Content-Disposition"] = disposition(name)
        if sha256 is not None:
            response.set_etag(sha256)
        await response.make_conditional(
            request, accept_ranges=True, complete_length=response.content_length
        )
    except FileNotFoundError as error:
        raise NotFound("The data of this file is gone.") from error
    response.timeout = None
    return response
