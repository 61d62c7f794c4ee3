"""Errors as responses: a message fragment for the page, problem details for programs."""

import json
import logging

from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestedRangeNotSatisfiable

from processing.errors import Conflict, NotFound, Refused, ServiceUnavailable, TooMany
from quart_app import messages
from quart_app.http.problems import MEDIA_TYPE, problem_details
from quart_app.live.broadcaster import TooManySubscribers
from quart_app.pages import fragments

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5


def prefers_problem_details() -> bool:
    """Whether the client is a program: it uses the API, or asks for JSON."""
    accepted = request.accept_mimetypes
    return request.path.startswith("/api/") or (
        accepted["application/json"] > accepted["text/html"]
        or accepted[MEDIA_TYPE] > accepted["text/html"]
    )


async def _respond(text: str, status: int, name: str, retry: int = RETRY_SECONDS) -> Response:
    if prefers_problem_details():
        body = json.dumps(problem_details(name, status, text))
        response = Response(body, status, content_type=MEDIA_TYPE)
    else:
        response = Response(await fragments.refusal(text), status)
    if status in (423, 429, 503):
        response.headers["Retry-After"] = str(retry)
    return response


async def _respond_http(error: HTTPException) -> Response:
    status = error.code or 500
    text = messages.PAGE_NOT_FOUND if status == 404 else error.description or error.name
    response = await _respond(text, status, type(error).__name__)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    if isinstance(error, RequestedRangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{error.length}"
    return response


def register(app: Quart) -> None:
    """Install the handlers on ``app``."""

    @app.errorhandler(Refused)
    async def refused(error: Refused) -> Response:
        seconds = error.seconds if isinstance(error, TooMany) else RETRY_SECONDS
        return await _respond(str(error), error.status, type(error).__name__, seconds)

    @app.errorhandler(NotFound)
    async def not_found(error: NotFound) -> Response:
        return await _respond(str(error), 404, "NotFound")

    @app.errorhandler(Conflict)
    async def conflict(error: Conflict) -> Response:
        return await _respond(str(error), error.status, type(error).__name__, 1)

    @app.errorhandler(ServiceUnavailable)
    async def unavailable(error: ServiceUnavailable) -> Response:
        logger.warning(
            "%s %s: %s is unavailable: %s", request.method, request.path, error.service, error
        )
        return await _respond(messages.unavailable(error.service), 503, error.problem)

    @app.errorhandler(TooManySubscribers)
    async def busy(_: TooManySubscribers) -> Response:
        return await _respond(messages.SERVER_BUSY, 503, "Busy")

    @app.errorhandler(HTTPException)
    async def http(error: HTTPException) -> Response:
        return await _respond_http(error)

    @app.errorhandler(Exception)
    async def unexpected(_: Exception) -> Response:
        # The last handler of a request: the log gets the details, the client must not.
        logger.exception("%s %s failed", request.method, request.path)
        return await _respond(messages.UNEXPECTED_ERROR, 500, "Unexpected")
