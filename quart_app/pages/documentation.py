"""Swagger UI, from local files so that it works offline."""

from quart import Blueprint, render_template
from quart_schema import hide

blueprint = Blueprint("documentation", __name__)


@blueprint.get("/docs")
@hide
async def docs() -> str:
    """The API documentation."""
    return await render_template("docs.html")
