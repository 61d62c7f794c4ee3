"""Live updates without servers: the render cache, throttled values, one subscriber's slots."""

import asyncio
from collections import Counter

import pytest

from quart_app.live.render_cache import MAX_ENTRIES, RenderCache
from quart_app.live.sse import Message
from quart_app.live.subscriber import GAP_EVENT, PROGRESS_EVENT, TABLE_EVENT, Subscriber
from quart_app.live.throttled_value import ThrottledValue
from quart_app.live.view import View


class Rendering:
    """Counts renderings per key; each waits until it may finish."""

    def __init__(self) -> None:
        self.started: Counter[str] = Counter()
        self.may_finish = asyncio.Event()

    async def render(self, key: str = "a") -> str:
        self.started[key] += 1
        number = self.started[key]
        await self.may_finish.wait()
        return f"{key}{number}"


async def test_concurrent_requests_share_one_rendering() -> None:
    cache, rendering = RenderCache(), Rendering()
    waiting = [asyncio.create_task(cache.get("a", rendering.render)) for _ in range(5)]
    await asyncio.sleep(0)
    rendering.may_finish.set()
    assert await asyncio.gather(*waiting) == ["a1"] * 5
    assert await cache.get("a", rendering.render) == "a1"
    cache.invalidate()
    assert await cache.get("a", rendering.render) == "a2"


async def test_a_client_that_hangs_up_does_not_drop_the_rendering_for_others() -> None:
    cache, rendering = RenderCache(), Rendering()
    leaving, staying = (asyncio.create_task(cache.get("a", rendering.render)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    joining = asyncio.create_task(cache.get("a", rendering.render))
    await asyncio.sleep(0)
    rendering.may_finish.set()
    assert [await staying, await joining] == ["a1", "a1"]
    assert rendering.started["a"] == 1


async def test_a_failed_rendering_is_not_kept() -> None:
    cache, rendering = RenderCache(), Rendering()
    rendering.may_finish.set()

    async def fail() -> str:
        raise OSError("no database")

    results = await asyncio.gather(
        *(cache.get("a", fail) for _ in range(2)), return_exceptions=True
    )
    assert [type(result) for result in results] == [OSError, OSError]
    assert await cache.get("a", rendering.render) == "a1"


async def test_the_oldest_entries_leave_a_full_cache() -> None:
    cache, rendering = RenderCache(), Rendering()
    rendering.may_finish.set()
    for number in range(MAX_ENTRIES + 1):
        key = str(number)
        await cache.get(key, lambda key=key: rendering.render(key))  # type: ignore[misc]
    for key in ("1", "0"):
        await cache.get(key, lambda key=key: rendering.render(key))  # type: ignore[misc]
    assert rendering.started["1"] == 1
    assert rendering.started["0"] == 2


async def test_an_expensive_value_is_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("quart_app.live.throttled_value.time.monotonic", lambda: now)
    value: ThrottledValue[float] = ThrottledValue()

    async def compute() -> float:
        nonlocal now
        now += 0.5
        return now

    assert await value.get(compute) == 100.5
    now = 110.4
    assert await value.get(compute) == 100.5
    now = 110.5
    assert await value.get(compute) == 111.0


async def test_the_newest_table_replaces_one_that_was_not_fetched() -> None:
    subscriber = Subscriber(View())
    for number in range(100):
        subscriber.deliver(Message(TABLE_EVENT, str(number)))
    subscriber.deliver(Message(GAP_EVENT, "gap"))
    first, second = await subscriber.next(), await subscriber.next()
    assert first is not None
    assert second is not None
    assert (first.event, second.data) == (GAP_EVENT, "99")
    subscriber.close()
    assert await subscriber.next() is None


async def test_progress_is_merged_by_row_and_replaced_by_a_table() -> None:
    subscriber = Subscriber(View())

    def deliver(rows: dict[int, str]) -> None:
        subscriber.deliver_progress(Message(PROGRESS_EVENT, "\n".join(rows.values())), rows)

    deliver({1: "one 10", 2: "two 10"})
    deliver({1: "one 20"})
    message = await subscriber.next()
    assert message is not None
    assert message.data == "one 20\ntwo 10"
    deliver({1: "one 30"})
    subscriber.deliver(Message(TABLE_EVENT, "table"))
    message = await subscriber.next()
    assert message is not None
    assert message.event == TABLE_EVENT
    subscriber.close()
    assert await subscriber.next() is None
