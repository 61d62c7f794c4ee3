"""The single page."""

from quart import Blueprint, Response, request

from processing import repository
from processing.errors import DatabaseUnavailable, NotFound
from quart_app import files
from quart_app.http.openapi import describe
from quart_app.live.view import View
from quart_app.pages import fragments
from quart_app.resources import core, hub
from quart_app.uploads import owner
from quart_app.uploads.submit import as_accepted

blueprint = Blueprint("pages", __name__)

MAX_MESSAGES = 20


def requested_view() -> View:
    """The view of the table that the query string asks for."""
    return View.parse(request.args, request.args.getlist("status"))


@blueprint.get("/")
@describe({200: ("text/html", "The page."), 503: ("text/html", "The page without its table.")})
async def index() -> Response:
    """The page: upload form, live table, messages.

    `?status=`, `?q=`, `?sort=` and `?after=` select the table's rows; `?file=ID` opens a file.
    """
    view = requested_view()
    try:
        if "file" in request.args or "accepted" in request.args:
            opened, messages = await _opened(), await _messages()
            text = await fragments.page(view, opened=opened, messages=messages)
        else:
            cache = hub().broadcaster.cache
            text = await cache.get(("page", view), lambda: fragments.page(view))
        response = Response(text)
    except DatabaseUnavailable:
        response = Response(await fragments.page_without_table(view), 503)
    owner.ensure_cookie(response)
    return response


async def _opened() -> str:
    """The details dialog of `?file=ID`; '' for a file that does not exist."""
    text = request.args.get("file", "")
    try:
        file = await files.get(int(text) if text.isascii() and text.isdigit() else 0)
    except NotFound:
        return ""
    return await fragments.detail(file, await files.attempts(file.id))


async def _messages() -> str:
    """Messages about the files of `?accepted=ID,…`, uploaded by a browser without scripts."""
    texts = request.args.get("accepted", "").split(",")[:MAX_MESSAGES]
    ids = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]
    async with core().database.connect() as connection:
        found = await repository.get_files(connection, ids)
    return await fragments.accepted([await as_accepted(core(), file) for file in found], [])
