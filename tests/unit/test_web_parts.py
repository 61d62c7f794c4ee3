"""Small parts of the web program: SSE, formats, charts, names, the multipart receiver."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processing.errors import BadForm, BadName, Refused
from processing.storage import Storage
from quart_app import charts, formats, sse
from quart_app.backpressure import MOST_BUFFERED_BYTES, BackpressureBody
from quart_app.sse import Message
from quart_app.subscriber import GAP, TABLE, Subscriber
from quart_app.uploads.form import Form, Receiver
from quart_app.uploads.names import clean_name
from quart_app.view import View


def browser_reads(stream: bytes) -> list[tuple[str, str, str]]:
    """Parse events as the WHATWG standard says: (event, data, id)."""
    events = []
    event, data, last_id = "", list[str](), ""
    for line in re.split("\r\n|\n|\r", stream.decode()):
        if line == "":
            if data:
                events.append((event, "\n".join(data), last_id))
            event, data = "", []
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            last_id = value
    return events


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_browser_reads_back_what_was_encoded(text: str) -> None:
    stream = Message("x", text, "1-2").wire + sse.HEARTBEAT + sse.retry(5)
    expected = re.sub("\r\n|\r", "\n", text)
    assert browser_reads(stream) == [("x", expected, "1-2")]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (10**13, "10.0 TB"),
        (None, "–"),
    ],
)
def test_sizes(count: int | None, text: str) -> None:
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.123, "0.12 s"),
        (7.46, "7.5 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3720, "1 h 02 min"),
        (None, "–"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


def test_times() -> None:
    now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    ages = {
        5: "just now",
        90: "1 min ago",
        7200: "2 h ago",
        90_000: "1 day ago",
        200_000: "2 days ago",
    }
    for seconds, text in ages.items():
        assert formats.ago(now - timedelta(seconds=seconds), now) == text
    assert formats.since(now - timedelta(seconds=7), now) == "7 s"
    assert formats.exact(now) == "2026-01-10 12:00:00 UTC"


@given(st.lists(st.integers(0, 10**9), max_size=40), st.text())
def test_charts_are_well_formed_whatever_they_show(counts: list[int], label: str) -> None:
    clean = "".join(c for c in label if c.isprintable())
    picture = ElementTree.fromstring(str(charts.histogram(counts, clean)))
    assert len(picture) == sum(count > 0 for count in counts)
    assert picture.attrib["aria-label"] == clean
    assert "style" not in str(charts.histogram(counts, clean)).split("aria-label")[0]


@given(st.text())
def test_clean_names_are_one_component(raw: str) -> None:
    try:
        name = clean_name(raw)
    except BadName as error:
        assert str(error)
    else:
        assert name == name.strip()
        assert not set(name) & set("/\\\0\n\r")
        assert 0 < len(name) <= 255
        assert name not in (".", "..")


def test_the_newest_table_replaces_one_that_nobody_fetched() -> None:
    async def scene() -> None:
        subscriber = Subscriber(View())
        for number in range(100):
            subscriber.offer(Message(TABLE, str(number)))
        subscriber.offer(Message(GAP, "gap"))
        first, second = await subscriber.next(), await subscriber.next()
        assert first is not None
        assert second is not None
        assert (first.event, second.data) == (GAP, "99")
        subscriber.close()
        assert await subscriber.next() is None

    asyncio.run(scene())


def test_a_full_body_makes_its_sender_wait() -> None:
    async def scene() -> None:
        body = BackpressureBody(None, None)
        body.append(b"x" * (MOST_BUFFERED_BYTES + 1))
        waiting = asyncio.create_task(body.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        assert len(await anext(aiter(body))) == MOST_BUFFERED_BYTES + 1
        await waiting

    asyncio.run(scene())


BOUNDARY = "b0undary"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def form(files: list[tuple[str, bytes]], fields: dict[str, str]) -> bytes:
    body = b""
    for name, value in fields.items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        body += head.encode() + value.encode() + b"\r\n"
    for name, data in files:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: text/csv\r\n\r\n"
        )
        body += head.encode() + data + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


async def pieces(body: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    edges = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        yield body[start:end]


def receive(folder: Path, body: bytes, cuts: list[int], limit: int = 10_000) -> Form:
    storage = Storage(folder)
    storage.prepare()
    receiver = Receiver(storage, TYPE, most_bytes=limit, most_files=20)
    return asyncio.run(receiver.receive(pieces(body, cuts)))


any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


some_csv = st.text('ab,;\r\n-"é\0', min_size=1).map(str.encode)


@any_folder
@given(
    st.lists(st.tuples(st.from_regex(r"[a-z]{1,9}\.csv", fullmatch=True), some_csv), max_size=4),
    st.lists(st.integers(0, 10_000), max_size=30),
)
def test_a_form_arrives_whole_however_it_is_cut(
    tmp_path: Path, files: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    files = [(name, data) for name, data in files if f"\r\n--{BOUNDARY}".encode() not in data]
    received = receive(tmp_path, form(files, {"handler": "profile"}), cuts)
    assert [(name, p.path.read_bytes()) for name, p, _ in received.files] == files
    assert received.fields == {"handler": "profile"}
    received.discard()
    assert not list((tmp_path / "partial").iterdir())


@any_folder
@given(st.data())
def test_a_damaged_form_leaves_nothing(tmp_path: Path, data: st.DataObject) -> None:
    body = bytearray(form([("a.csv", b"a,b\n1,2\n")], {"handler": "profile"}))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(body) - 1))
        if data.draw(st.booleans()):
            body[position] = data.draw(st.integers(0, 255))
        else:
            del body[position:]
            break
    try:
        received = receive(tmp_path, bytes(body), data.draw(st.lists(st.integers(0, 500))))
    except Refused as refusal:
        assert str(refusal)
    else:
        received.discard()
    assert not list((tmp_path / "partial").iterdir())


def test_limits_of_a_form(tmp_path: Path) -> None:
    with pytest.raises(BadForm, match="At most 20 files"):
        receive(tmp_path, form([("a.csv", b"")] * 21, {}), [])
    with pytest.raises(BadForm, match="more than 50 fields"):
        receive(tmp_path, form([], {f"f{n}": "" for n in range(51)}), [])
    with pytest.raises(BadForm, match="longer than"):
        receive(tmp_path, form([], {"f": "x" * 20_000}), [])
    with pytest.raises(BadForm):
        receive(tmp_path, form([], {"n" * 200_000: "x"}), [])
    assert not list((tmp_path / "partial").iterdir())
