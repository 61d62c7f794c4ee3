"""The JSON API for programs, under /api/v1; importing it adds every route to the blueprint."""

from quart_app.api import events, files, results, state, uploads
from quart_app.api.blueprint import blueprint

__all__ = ["blueprint", "events", "files", "results", "state", "uploads"]
