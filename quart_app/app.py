"""Builds the Quart application from settings; it connects to nothing before it serves."""

from pathlib import PurePath

from quart import Quart

from processing.paths import ROOT, TEMPLATES
from processing.settings import Settings
from quart_app import api, errors, resources
from quart_app.api import health
from quart_app.http import guard, headers, openapi
from quart_app.http.backpressure import BackpressureConnection, BackpressureRequest
from quart_app.http.downloads import LargeFileBody
from quart_app.live.broadcaster import Renderers
from quart_app.pages import charts, documentation, files, filters, fragments, index

STATIC_MAX_AGE_SECONDS = 3600


def _static_max_age(filename: str | None) -> int:
    """Return how long browsers may keep a static file without asking again, in seconds.

    The page's scripts import each other: after an update no browser may mix old and new ones.
    """
    is_script = filename is None or "js" in PurePath(filename).parts
    return 0 if is_script else STATIC_MAX_AGE_SECONDS


def create_app(settings: Settings) -> Quart:
    """Return a new application for ``settings``."""
    app = Quart(
        "millrace",
        root_path=str(ROOT / "quart_app"),
        template_folder=str(TEMPLATES),
        static_folder="static",
    )
    # Uploads are limited per file, while they stream.
    app.config["MAX_CONTENT_LENGTH"] = None
    app.get_send_file_max_age = _static_max_age  # type: ignore[method-assign]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.response_class.file_body_class = LargeFileBody
    app.asgi_http_class = BackpressureConnection
    app.request_class = BackpressureRequest
    openapi.register(app)
    filters.register(app)
    charts.register(app)
    headers.register(app)
    guard.register(app, settings)
    errors.register(app)
    renderers = Renderers(fragments.table, fragments.progress, fragments.service_banner)
    resources.register(app, settings, renderers)
    for blueprint in (index, files, api, health, documentation):
        app.register_blueprint(blueprint.blueprint)
    return app
