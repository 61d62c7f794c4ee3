"""The single page."""

from quart import Blueprint, Response, request

from processing.errors import BadQuery, DatabaseAway
from processing.repository import Cursor, Selection, Sort
from processing.states import Status
from quart_app import fragments
from quart_app.openapi import describe
from quart_app.subscriber import View

blueprint = Blueprint("pages", __name__)

MOST_SEARCH_CHARACTERS = 255


def requested_view() -> View:
    """The part of the table that the query string asks for; nonsense in it asks for nothing."""
    statuses = {status for status in Status if str(status) in request.args.getlist("status")}
    sort = request.args.get("sort", "")
    selection = Selection(
        statuses=frozenset(statuses),
        search=request.args.get("q", "").replace("\0", "")[:MOST_SEARCH_CHARACTERS],
        sort=next((known for known in Sort if known == sort), Sort.NEWEST),
    )
    try:
        after = Cursor.parse(request.args["after"]) if "after" in request.args else None
    except BadQuery:
        after = None
    return View(selection, after)


@blueprint.get("/")
@describe({200: ("text/html", "The page."), 503: ("text/html", "The page without its table.")})
async def index() -> Response:
    """The page: upload form, live table, messages.

    `?before=ID` shows files older than that id.
    """
    try:
        return Response(await fragments.page(requested_view()))
    except DatabaseAway:
        page = await fragments.page_without_table()
        return Response(page, 503)
