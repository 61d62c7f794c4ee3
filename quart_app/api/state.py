"""What can be done, what may be sent, and how the queue stands."""

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
    answer,
)
from quart_app.http.openapi import describe
from quart_app.http.parameters import Query, query
from quart_app.resources import core, gate, hub


@blueprint.get("/handlers")
@describe({200: (Handlers, "The handlers.")}, query=Query)
async def handlers() -> Response:
    """List what workers can do with a file, each with the JSON Schema of its options."""
    query(Query)
    async with core().database.connect() as connection:
        known = await repository.list_handlers(connection)
    return answer(
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
@describe({200: (Limits, "The limits.")}, query=Query)
async def limits() -> Response:
    """Say what an upload may be."""
    query(Query)
    return answer(Limits.model_validate(gate().limits()))


@blueprint.get("/queue")
@describe({200: (Queue, "The queue.")}, query=Query)
async def queue() -> Response:
    """Say how much there is to do, who does it, and how fast it goes."""
    query(Query)
    async with core().database.connect() as connection:
        depth = await repository.queue_depth(connection)
        heartbeats = await repository.list_heartbeats(connection)
    ended, seconds = hub().journal.throughput()
    now = datetime.now(UTC)
    workers = [
        WorkerOut(**asdict(beat), silent_seconds=max(0.0, (now - beat.seen_at).total_seconds()))
        for beat in heartbeats
    ]
    return answer(
        Queue(
            waiting=depth.waiting,
            running=depth.running,
            oldest_seconds=depth.oldest_seconds,
            workers=workers,
            throughput=Throughput(seconds=seconds, ended=dict(ended)),
        )
    )
