"""What the application holds while it serves: the core's connections and the hub."""

from typing import cast

from quart import Quart, Response, current_app, request

from processing.core import Core
from processing.settings import Settings
from quart_app.http.guard import SAFE_METHODS
from quart_app.live.hub import Hub, Renderers
from quart_app.uploads.admission import Gate

_CORE, _HUB, _GATE = "millrace_core", "millrace_hub", "millrace_gate"
_SETTINGS = "millrace_settings"


def register(app: Quart, settings: Settings, renderers: Renderers) -> None:
    """Open everything when ``app`` starts to serve and close it when it stops."""
    app.extensions[_SETTINGS] = settings

    @app.before_serving
    async def start() -> None:
        core = Core(settings, connections=10)
        core.storage.prepare()
        hub = Hub(core, renderers)
        app.extensions[_CORE], app.extensions[_HUB] = core, hub
        app.extensions[_GATE] = Gate(core)
        hub.start(app)

    @app.after_request
    async def forget_pictures(response: Response) -> Response:
        # Who changed something sees it, before its event has come round.
        if request.method not in SAFE_METHODS:
            hub().pictures.fade()
        return response

    @app.after_serving
    async def stop() -> None:
        await app.extensions[_HUB].stop()
        await app.extensions[_CORE].close()


def core(app: Quart | None = None) -> Core:
    """The core of ``app``, by default the current one."""
    return cast(Core, (app or current_app).extensions[_CORE])


def hub(app: Quart | None = None) -> Hub:
    """The hub of ``app``, by default the current one."""
    return cast(Hub, (app or current_app).extensions[_HUB])


def gate() -> Gate:
    """What lets uploads into the current application."""
    return cast(Gate, current_app.extensions[_GATE])


def settings(app: Quart | None = None) -> Settings:
    """The settings of ``app``, by default the current one."""
    return cast(Settings, (app or current_app).extensions[_SETTINGS])
