"""Swagger UI from files of ours, so that it works without the internet."""

from quart import Blueprint, render_template
from quart_schema import hide

blueprint = Blueprint("documentation", __name__)


@blueprint.get("/docs")
@hide
async def docs() -> str:
    """The API's documentation."""
    return await render_template("docs.html")
