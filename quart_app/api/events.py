"""Every change as JSON over Server-Sent Events."""

import json
from collections.abc import AsyncIterator
from typing import Literal

from pydantic import Field
from quart import Response, request

from processing.errors import RedisUnavailable
from processing.events import Event
from processing.stream_reader import START
from quart_app import messages
from quart_app.api.blueprint import blueprint
from quart_app.http.openapi import describe
from quart_app.http.parameters import QueryParameters, read_query
from quart_app.live import sse
from quart_app.live.hub import Hub
from quart_app.resources import core, hub

_GAP = sse.Message("gap", json.dumps({"detail": messages.EVENTS_MISSED}))


class EventsQuery(QueryParameters):
    """Which events, and after which one."""

    file: list[int] = Field([], max_length=100, description="Only events of these files.")
    type: list[Literal["status", "progress"]] = Field([], description="Only events of these types.")
    last_event_id: str = Field(
        "",
        pattern=r"^(\d{1,19}-\d{1,19})?$",
        description="Start after this event; `0-0` starts with the oldest one kept.",
    )


@blueprint.get("/events")
@describe(
    {
        200: (
            "text/event-stream",
            "Events `status` and `progress` with JSON data; `gap` if some were missed.",
        )
    },
    query=EventsQuery,
    headers={"Last-Event-ID": ("Start after this event.", "^[0-9]{1,19}-[0-9]{1,19}$")},
)
async def events() -> Response:
    """Follow every change; an event's id is its id on the event stream.

    A client that reconnects with `Last-Event-ID` gets exactly the events it missed. If they are no
    longer available, it gets an event `gap` first.
    """
    query = read_query(EventsQuery)
    last_id = request.headers.get("Last-Event-ID", "")
    after = last_id if sse.is_stream_id(last_id) else query.last_event_id
    stream = core().events
    cursor = after or await stream.last_id()
    missed = bool(after) and after != START and not await stream.holds(after)
    return sse.respond(_follow(hub(), query, cursor, missed=missed))


async def _follow(
    live: Hub, query: EventsQuery, cursor: str, *, missed: bool
) -> AsyncIterator[sse.Message | None]:
    """Yield the events after ``cursor``; None as a heartbeat while there are none."""
    buffer = live.buffer
    if missed:
        yield _GAP
        cursor = START
    epoch = buffer.epoch
    files, types = frozenset(query.file), frozenset(query.type)
    while not live.closing:
        try:
            entries = await buffer.read_after(cursor, sse.HEARTBEAT_SECONDS)
        except RedisUnavailable:
            entries = []
            await live.pause()
        if buffer.epoch != epoch:
            epoch, cursor = buffer.epoch, START
            yield _GAP
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
