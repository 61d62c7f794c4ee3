"""Small parts of the web process: SSE, filters, charts, names, the multipart receiver."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processing.errors import BadForm, BadName, Refused
from processing.models import ProcessingFile
from processing.settings import Settings
from processing.states import Outcome
from processing.storage import Storage
from quart_app.app import STATIC_MAX_AGE_SECONDS, create_app
from quart_app.bulk import Action, BulkResult
from quart_app.http.backpressure import MAX_BUFFERED_BYTES, BackpressureBody
from quart_app.live import sse
from quart_app.live.sse import Message
from quart_app.messages import ADVICE, counted, outcome_title
from quart_app.pages import charts, filters
from quart_app.uploads.form import Form, FormReceiver
from quart_app.uploads.names import clean_name


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
    assert filters.size(count) == text


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
    assert filters.duration(seconds) == text


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
        assert filters.ago(now - timedelta(seconds=seconds), now) == text
    assert filters.elapsed(now - timedelta(seconds=7), now) == "7 s"
    assert filters.exact(now) == "2026-01-10 12:00:00 UTC"


def running(progress: float | None, started_at: datetime | None) -> ProcessingFile:
    file = SimpleNamespace(progress=progress, started_at=started_at)
    return cast(ProcessingFile, file)


@pytest.mark.parametrize(
    ("seconds", "progress", "text"),
    [
        (10, 0.5, "about 10 s left"),
        (10, 0.9, "about 1 s left"),
        (10, 0.999, "about 1 s left"),
        (30, 0.25, "about 1 min 30 s left"),
        (3600, 0.5, "about 1 h 00 min left"),
        (1.9, 0.5, ""),
        (10, 0.029, ""),
        (10, None, ""),
        (None, 0.5, ""),
    ],
)
def test_remaining_time_is_estimated_unless_it_would_be_a_guess(
    seconds: float | None, progress: float | None, text: str
) -> None:
    now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    started_at = None if seconds is None else now - timedelta(seconds=seconds)
    assert filters.time_left(running(progress, started_at), now) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (10 * 1024**3, "10 GiB")],
)
def test_limits_are_in_binary_units(count: int, text: str) -> None:
    assert filters.binary_size(count) == text


def test_numbers_have_one_style() -> None:
    assert filters.number(5000) == "5,000"
    assert filters.number(1234.5678) == "1,234.57"
    assert filters.number(None) == "–"
    assert [counted(count, "row") for count in (0, 1, 5000)] == ["0 rows", "1 row", "5,000 rows"]
    assert counted(2, "column is", "columns are") == "2 columns are"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (BulkResult(Action.CANCEL, 1, 0), "Cancelled 1 file."),
        (BulkResult(Action.CANCEL, 4, 2), "Cancelled 4 files. 2 had already finished."),
        (BulkResult(Action.REMOVE, 2, 1), "Deleted 2 files. 1 had no results to delete."),
        (BulkResult(Action.RETRY, 1, 1), "Queued 1 file again. 1 could not be retried."),
    ],
)
def test_bulk_actions_report_what_they_changed(result: BulkResult, text: str) -> None:
    assert str(result) == text


def test_every_unsuccessful_outcome_has_advice() -> None:
    assert set(Outcome) - set(ADVICE) == {Outcome.SUCCEEDED, Outcome.HANDED_BACK}
    assert outcome_title(Outcome.BAD_INPUT) == "Couldn't read this file"
    assert outcome_title(Outcome.TIMED_OUT) == "Timed out"


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


def test_a_full_body_makes_its_sender_wait() -> None:
    async def scene() -> None:
        body = BackpressureBody(None, None)
        body.append(b"x" * (MAX_BUFFERED_BYTES + 1))
        waiting = asyncio.create_task(body.wait_for_room())
        await asyncio.sleep(0)
        assert not waiting.done()
        assert len(await anext(aiter(body))) == MAX_BUFFERED_BYTES + 1
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
    receiver = FormReceiver(storage, TYPE, max_bytes=limit, max_files=20)
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
    with pytest.raises(BadForm, match="at most 20 files"):
        receive(tmp_path, form([("a.csv", b"")] * 21, {}), [])
    with pytest.raises(BadForm, match="more than 50 fields"):
        receive(tmp_path, form([], {f"f{n}": "" for n in range(51)}), [])
    with pytest.raises(BadForm, match="longer than"):
        receive(tmp_path, form([], {"f": "x" * 20_000}), [])
    with pytest.raises(BadForm):
        receive(tmp_path, form([], {"n" * 200_000: "x"}), [])
    assert not list((tmp_path / "partial").iterdir())


def test_only_the_scripts_are_asked_for_again_at_each_visit() -> None:
    app = create_app(Settings())
    assert app.get_send_file_max_age("js/main.js") == 0
    assert app.get_send_file_max_age("vendor/htmx.min.js") == STATIC_MAX_AGE_SECONDS
