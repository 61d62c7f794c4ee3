"""The API for programs, under /api/v1; each module adds its routes to the one blueprint."""

from quart import Blueprint

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

from quart_app.blueprints.api import (  # noqa: E402 -- they need the blueprint
    events,
    files,
    results,
    state,
    uploads,
)

__all__ = ["blueprint", "events", "files", "results", "state", "uploads"]
