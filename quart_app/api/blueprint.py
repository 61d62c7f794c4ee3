"""The one blueprint that the modules of the API add their routes to."""

from quart import Blueprint

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
