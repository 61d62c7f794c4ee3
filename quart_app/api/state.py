"""Handlers, limits, and the state of the queue."""

from dataclasses import asdict
from datetime import UTC, datetime

from quart import Response

from processing import repository
from quart_app.api.blueprint import blueprint
from quart_app.api.models import (
    HandlerOut,
    Handlers,
    Limits,
    Queue,
    Throughput,
    WorkerOut,
    json_response,
)
from quart_app.http.openapi import describe
from quart_app.http.parameters import QueryParameters, read_query
from quart_app.resources import admission, core, hub


@blueprint.get("/handlers")
@describe({200: (Handlers, "The handlers.")}, query=QueryParameters)
async def handlers() -> Response:
    """List the handlers, each with the JSON Schema of its options."""
    read_query(QueryParameters)
    async with core().database.connect() as connection:
        known = await repository.list_handlers(connection)
    return json_response(
        Handlers(
            handlers=[
                HandlerOut(
                    name=info.name,
                    title=info.title,
                    description=info.description,
                    options=info.options_schema,
                )
                for info in known
            ]
        )
    )


@blueprint.get("/limits")
@describe({200: (Limits, "The limits.")}, query=QueryParameters)
async def limits() -> Response:
    """Get the upload limits."""
    read_query(QueryParameters)
    return json_response(Limits.model_validate(admission().limits()))


@blueprint.get("/queue")
@describe({200: (Queue, "The state of the queue.")}, query=QueryParameters)
async def queue() -> Response:
    """Get queue depth, workers and throughput."""
    read_query(QueryParameters)
    async with core().database.connect() as connection:
        depth = await repository.queue_depth(connection)
        heartbeats = await repository.list_heartbeats(connection)
    ended, seconds = hub().buffer.throughput()
    now = datetime.now(UTC)
    workers = [
        WorkerOut(**asdict(beat), silent_seconds=max(0.0, (now - beat.seen_at).total_seconds()))
        for beat in heartbeats
    ]
    return json_response(
        Queue(
            waiting=depth.waiting,
            running=depth.running,
            oldest_seconds=depth.oldest_seconds,
            workers=workers,
            throughput=Throughput(seconds=seconds, ended=dict(ended)),
        )
    )
