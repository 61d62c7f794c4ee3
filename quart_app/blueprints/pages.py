"""The single page."""

from quart import Blueprint, Response, request

from processing.errors import DatabaseAway
from quart_app import fragments
from quart_app.openapi import describe
from quart_app.subscriber import View

blueprint = Blueprint("pages", __name__)
MOST_ID = 2**63 - 1


def requested_view() -> View:
    """The part of the table that the query string asks for."""
    before = request.args.get("before", "", type=str)
    return View(int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None)


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
