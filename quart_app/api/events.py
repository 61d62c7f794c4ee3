"""Every change as it happens, as JSON over Server-Sent Events."""

import json
from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field
from quart import Response, request

from processing.errors import RedisUnavailable
from processing.events import Event
from processing.stream_reader import START
from quart_app.api.blueprint import blueprint
from quart_app.http.openapi import describe
from quart_app.http.parameters import Query, query
from quart_app.live import sse
from quart_app.live.hub import Hub
from quart_app.resources import core, hub

_GAP = "Earlier events are gone; GET /api/v1/files tells how things stand."


class EventsQuery(Query):
    """Which events, from where on."""

    file: list[int] = Field([], max_length=100, description="Only of these files.")
    type: list[Literal["status", "progress"]] = Field([], description="Only of these types.")
    last_event_id: str = Field(
        "",
        pattern=r"^(\d{1,19}-\d{1,19})?$",
        description="Begin after this event; `0-0`: with the oldest there is.",
    )


@blueprint.get("/events")
@describe(
    {
        200: (
            "text/event-stream",
            "Events `status` and `progress`, data: JSON; `gap` where some were missed.",
        )
    },
    query=EventsQuery,
    headers={"Last-Event-ID": ("Begin after this event.", "^[0-9]{1,19}-[0-9]{1,19}$")},
)
async def events() -> Response:
    """Follow every change; the id of an event is its id on the event stream.

    A client that comes back with `Last-Event-ID` gets exactly what it missed. If that is gone, it
    gets an event `gap` first.
    """
    asked = query(EventsQuery)
    wanted = request.headers.get("Last-Event-ID", "")
    after = wanted if sse.is_stream_id(wanted) else asked.last_event_id
    stream = core().events
    cursor = after or await stream.last_id()
    missed = bool(after) and after != START and not await stream.holds(after)
    return sse.respond(_follow(hub(), asked, cursor, missed=missed))


async def _follow(
    streams: Hub, asked: EventsQuery, cursor: str, *, missed: bool
) -> AsyncIterator[sse.Message | None]:
    """Yield what happens after ``cursor``; None now and then while nothing does."""
    journal = streams.journal
    if missed:
        yield sse.Message("gap", json.dumps({"detail": _GAP}))
        cursor = START
    life = journal.life
    files, types = frozenset(asked.file), frozenset(asked.type)
    while not streams.closed:
        try:
            entries = await journal.after(cursor, sse.HEARTBEAT_SECONDS)
        except RedisUnavailable:
            entries = []
            await streams.pause()
        if journal.life != life:
            life, cursor = journal.life, START
            yield sse.Message("gap", json.dumps({"detail": _GAP}))
            continue
        if not entries:
            yield None
        for entry_id, event in entries:
            cursor = entry_id
            if (not files or event.file_id in files) and (not types or event.type in types):
                yield sse.Message(event.type, _data(event), entry_id)


def _data(event: Event) -> str:
    fields: dict[str, str | float | None] = {"file_id": event.file_id, "attempt": event.attempt}
    more: dict[str, str | float | None]
    if event.type == "status":
        more = {"status": event.status, "outcome": event.outcome or None}
    else:
        more = {"progress": float(event.progress), "stage": event.stage or None}
    return json.dumps(fields | more)
