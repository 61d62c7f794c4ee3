"""Errors as answers: a message fragment for the page, plain words for everyone else."""

import logging

from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from processing.errors import Conflict, NotFound, Refused, ServiceUnavailable
from quart_app import fragments
from quart_app.hub import Busy

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5


async def _answer(text: str, status: int) -> Response:
    response = Response(await fragments.dismiss(text), status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def register(app: Quart) -> None:
    """Install the handlers on ``app``."""

    @app.errorhandler(Refused)
    async def refused(error: Refused) -> Response:
        return await _answer(str(error), error.status)

    @app.errorhandler(NotFound)
    async def not_found(error: NotFound) -> Response:
        return await _answer(str(error), 404)

    @app.errorhandler(Conflict)
    async def conflict(error: Conflict) -> Response:
        return await _answer(str(error), 409)

    @app.errorhandler(ServiceUnavailable)
    async def unavailable(error: ServiceUnavailable) -> Response:
        logger.warning("%s %s: %s is away: %s", request.method, request.path, error.service, error)
        text = f"{error.service} does not answer at the moment, so nothing was changed. "
        return await _answer(text + "Please try again shortly.", 503)

    @app.errorhandler(Busy)
    async def busy(error: Busy) -> Response:
        return await _answer(f"The server is busy: {error}.", 503)

    @app.errorhandler(HTTPException)
    async def http(error: HTTPException) -> Response:
        words = {404: "There is nothing at this address."}
        status = error.code or 500
        return await _answer(words.get(status) or error.description or error.name, status)

    @app.errorhandler(Exception)
    async def unexpected(_: Exception) -> Response:
        # One request's life ends here; the words must not show what is inside.
        logger.exception("%s %s failed", request.method, request.path)
        return await _answer("Something went wrong on our side; the log says what.", 500)
