"""Builds the Quart application from settings; nothing is connected before it serves."""

from quart import Quart

from processing.paths import ROOT, TEMPLATES
from processing.settings import Settings
from quart_app import charts, errors, formats, guard, headers, openapi, resources
from quart_app.backpressure import BackpressureConnection, BackpressureRequest
from quart_app.blueprints import api, documentation, files, health, pages
from quart_app.downloads import LargeFileBody


def create_app(settings: Settings) -> Quart:
    """Return an application of its own for ``settings``."""
    app = Quart(
        "millrace",
        root_path=str(ROOT / "quart_app"),
        template_folder=str(TEMPLATES),
        static_folder="static",
    )
    # The upload has a limit of its own, per file and while it streams.
    app.config["MAX_CONTENT_LENGTH"] = None
    # The page's scripts import each other: after an update no browser may mix old and new ones.
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.response_class.file_body_class = LargeFileBody
    app.asgi_http_class = BackpressureConnection
    app.request_class = BackpressureRequest
    openapi.document(app)
    formats.register(app)
    charts.register(app)
    headers.register(app)
    guard.register(app, settings)
    errors.register(app)
    resources.register(app, settings)
    for blueprint in (pages, files, api, health, documentation):
        app.register_blueprint(blueprint.blueprint)
    return app
