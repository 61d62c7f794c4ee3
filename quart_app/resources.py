"""What the application holds while it serves: settings, the core's connections, the live hub."""

from typing import cast

from quart import Quart, Response, current_app, request

from processing.core import Core
from processing.settings import Settings
from quart_app.http.guard import SAFE_METHODS
from quart_app.live.broadcaster import Renderers
from quart_app.live.hub import Hub
from quart_app.uploads.admission import UploadAdmission

_CORE, _HUB, _ADMISSION = "millrace_core", "millrace_hub", "millrace_admission"
_SETTINGS = "millrace_settings"


def register(app: Quart, settings: Settings, renderers: Renderers) -> None:
    """Open everything when ``app`` starts to serve, and close it when it stops."""
    app.extensions[_SETTINGS] = settings

    @app.before_serving
    async def start() -> None:
        core = Core(settings, connections=10)
        core.storage.prepare()
        hub = Hub(core, renderers)
        app.extensions[_CORE], app.extensions[_HUB] = core, hub
        app.extensions[_ADMISSION] = UploadAdmission(core)
        hub.start(app)

    @app.after_request
    async def invalidate_cache(response: Response) -> Response:
        # A client that changed something must see it before its event has arrived here.
        if request.method not in SAFE_METHODS:
            hub().broadcaster.cache.invalidate()
        return response

    @app.after_serving
    async def stop() -> None:
        await app.extensions[_HUB].stop()
        await app.extensions[_CORE].close()


def core(app: Quart | None = None) -> Core:
    """The core of ``app``, by default the current one."""
    return cast(Core, (app or current_app).extensions[_CORE])


def hub(app: Quart | None = None) -> Hub:
    """The live hub of ``app``, by default the current one."""
    return cast(Hub, (app or current_app).extensions[_HUB])


def admission() -> UploadAdmission:
    """The check that every upload to the current application passes."""
    return cast(UploadAdmission, current_app.extensions[_ADMISSION])


def settings(app: Quart | None = None) -> Settings:
    """The settings of ``app``, by default the current one."""
    return cast(Settings, (app or current_app).extensions[_SETTINGS])
