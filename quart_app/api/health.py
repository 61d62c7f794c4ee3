"""Health checks: whether this process is alive, and whether it is ready."""

from quart import Blueprint, Response, current_app

from processing import repository
from processing.broker import ping
from processing.errors import ServiceUnavailable
from processing.migrations import head_revision
from quart_app.http.openapi import describe
from quart_app.resources import core

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@describe({200: ("application/json", "The process is alive.")})
async def healthz() -> dict[str, str]:
    """Check that the process is alive."""
    return {"status": "alive"}


async def _database() -> tuple[str, str]:
    try:
        async with core().database.connect() as connection:
            revision = await repository.schema_revision(connection)
    except ServiceUnavailable:
        return "away", "unknown"
    return (
        "ok",
        "ok" if revision == head_revision() else f"at {revision}, not at {head_revision()}",
    )


async def _redis() -> str:
    try:
        await ping(core().commands)
    except ServiceUnavailable:
        return "away"
    return "ok"


@blueprint.get("/readyz")
@describe(
    {
        200: ("application/json", "The process is ready."),
        503: ("application/json", "The process is not ready; the body lists the failed checks."),
    }
)
async def readyz() -> Response:
    """Check the database, its migrations and Redis."""
    database, migrations = await _database()
    checks = {"database": database, "redis": await _redis(), "migrations": migrations}
    ready = all(state == "ok" for state in checks.values())
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    text = current_app.json.dumps(body)
    return Response(text, 200 if ready else 503, content_type="application/json")
