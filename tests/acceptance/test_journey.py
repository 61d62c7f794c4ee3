"""One upload goes all the way, and every way it can end."""

import asyncio
import base64
import gzip
import signal
from functools import partial
from pathlib import Path

import duckdb
import pytest

from processing.core import Core
from processing.states import Outcome, Status
from processing.stream_reader import START
from tests.acceptance.conftest import Client
from tests.conftest import eventually
from tests.programs import Programs, alive, descendants

CSV = b"id,name,zip,price,day\n1,ada,00501,1.50,2024-01-02\n2,bob,10001,2.25,2024-02-03\n"


async def test_from_upload_to_parquet(
    programs: Programs, client: Client, core: Core, tmp_path: Path
) -> None:
    programs.web()
    programs.worker()
    file_id = await client.upload(CSV, "sales.csv")
    file = await client.ends(file_id)
    assert (file.status, file.row_count, file.column_count) == (Status.OK, 2, 5), file.message
    assert file.result is not None
    account = file.result["accounting"]
    assert (account["read"], account["written"], account["rejected"]) == (2, 2, 0)
    assert file.usage.peak_rss is not None
    assert file.usage.cpu_seconds is not None

    detail = (await client.http.get(f"/processing_file/{file_id}/detail/")).text
    assert "decimal(18, 2)" in detail
    assert "<svg" in detail
    original = await client.http.get(f"/processing_file/{file_id}/original/")
    assert original.content == CSV
    parquet = await client.http.get(f"/processing_file/{file_id}/artifact/clean.parquet/")
    target = tmp_path / "clean.parquet"
    target.write_bytes(parquet.content)
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT zip, price::VARCHAR FROM read_parquet(?)", [str(target)])
        assert rows.fetchall() == [("00501", "1.50"), ("10001", "2.25")]

    stored = sorted(path.name for path in core.storage.attempt_folder(file_id, 1).iterdir())
    assert stored == ["clean.csv", "clean.parquet", "profile.json", "report.html"]
    statuses = [e.status for _, e in await core.events.read(START) if e and e.type == "status"]
    assert statuses == ["Waiting", "Processing", "Ok"]
    assert await core.commands.xlen(core.keys.jobs) == 0


async def test_every_outcome_has_a_message(
    programs: Programs, client: Client, handler_package: Path
) -> None:
    programs.web()
    worker = programs.worker(PYTHONPATH=str(handler_package), JOB_SECONDS="3", MAX_FAILURES="1")
    expected = {
        "raise": (Outcome.FAILED, "RuntimeError: something"),
        "bad-input": (Outcome.BAD_INPUT, "Line 3 is wrong."),
        "not-a-result": (Outcome.FAILED, "returned dict, not a Result"),
        "segfault": (Outcome.KILLED, "SIGSEGV"),
        "os-exit": (Outcome.FAILED, "exit code 0"),
        "sys-exit": (Outcome.FAILED, "sys.exit(3)"),
        "memory": (Outcome.OUT_OF_MEMORY, "memory"),
        "sigkill": (Outcome.KILLED, "SIGKILL"),
        "huge-result": (Outcome.FAILED, "cannot be sent"),
        "not-json": (Outcome.FAILED, "cannot be sent"),
        "not-finite": (Outcome.FAILED, "cannot be sent"),
        "no-artifact": (Outcome.FAILED, "artifact"),
        "escape": (Outcome.FAILED, "not a valid artifact name"),
        "link": (Outcome.FAILED, "artifact"),
        "close-pipe": (Outcome.FAILED, "closed its connection"),
        "grandchild": (Outcome.TIMED_OUT, "longer than 3 s"),
    }
    ids = {how: await client.upload(b"a\n1\n", f"{how}.csv", "odd") for how in expected}
    lines = await client.upload(b"a\nb\nc\n", "x.csv", "lines")
    forking = await client.upload(b"a\n1\n", "fork.csv", "odd")
    for how, (outcome, words) in expected.items():
        file = await client.ends(ids[how])
        assert (file.status, file.outcome) == (Status.ERROR, outcome), (how, file.message)
        assert words in (file.message or ""), how
        assert not (programs.settings.media_root / f"processing_files/{ids[how]}/1").exists()
    assert (await client.ends(lines)).row_count == 3
    assert (await client.ends(forking)).status == Status.OK
    assert worker.process.poll() is None
    assert "handler broken cannot be loaded" in worker.log
    pid = int((programs.settings.media_root / "processing_files/grandchild").read_text())
    await eventually(lambda: not alive(pid))


async def test_limits_of_what_a_job_may_use(
    programs: Programs, client: Client, handler_package: Path
) -> None:
    programs.web()
    programs.worker(
        PYTHONPATH=str(handler_package), JOB_CPU_SECONDS="4", JOB_OUTPUT_MB="5", WORKER_SLOTS="1"
    )
    output = await client.upload(b"a\n1\n", "output.csv", "odd")
    burning = await client.upload(b"a\n1\n", "burn.csv", "odd")
    file = await client.ends(output)
    assert (file.status, file.outcome) == (Status.ERROR, Outcome.TOO_MUCH_OUTPUT)
    assert "more than 5 MiB" in (file.message or "")
    file = await client.ends(burning)
    assert (file.status, file.outcome) == (Status.ERROR, Outcome.OUT_OF_CPU_TIME)
    assert "more than 4 s of CPU time" in (file.message or "")
    assert (file.usage.cpu_seconds or 0) > 4
    assert file.usage.peak_rss is not None


async def test_a_transient_error_waits_and_is_tried_again(
    programs: Programs, client: Client, handler_package: Path
) -> None:
    programs.web()
    programs.worker(PYTHONPATH=str(handler_package), MAX_FAILURES="2")
    file_id = await client.upload(b"a\n1\n", "transient.csv", "odd")

    async def due() -> object:
        file = await client.file(file_id)
        return file if file.due_at else None

    await eventually(due)
    file = await client.ends(file_id)
    assert (file.status, file.attempt, file.failures) == (Status.ERROR, 2, 1)
    assert file.message == (
        "The other side is asleep. It failed for the 2nd time, so it is not retried."
    )


NASTY = {
    "header alone": (b"a,b\n", Status.OK, ""),
    "blank lines": (b"\n\n\n", Status.ERROR, ""),
    "archive": (b"PK\x03\x04" + b"x" * 100, Status.ERROR, "zip data cannot be decompressed"),
    "compressed": (gzip.compress(b"a,b\n1,2\n"), Status.OK, ""),
    "utf-16": ("a,b\n1,é\n".encode("utf-16"), Status.OK, ""),
    "10 MB field": (b'a,b\n1,"' + b"x" * 10_000_000 + b'"\n', Status.OK, ""),
    "20 MB line": (b"a,b\n1," + b"x" * 20_000_000 + b"\n", Status.ERROR, "longer than 16 MiB"),
}


async def test_every_nasty_file_has_a_message(programs: Programs, client: Client) -> None:
    programs.web()
    programs.worker(WORKER_SLOTS="1")
    ids = {name: await client.upload(data) for name, (data, _, _) in NASTY.items()}
    for name, (_, status, words) in NASTY.items():
        file = await client.ends(ids[name])
        assert file.status == status, (name, file.message)
        if words:
            assert file.outcome == Outcome.BAD_INPUT
            assert words in (file.message or ""), name
    after = await client.upload(CSV)
    assert (await client.ends(after)).status == Status.OK


async def test_cancel_ends_the_process_and_frees_the_slot(
    programs: Programs, client: Client
) -> None:
    programs.web()
    worker = programs.worker(WORKER_SLOTS="1")
    took = []
    for _ in range(5):
        file_id = await client.upload(CSV, handler="emulate", seconds=600)
        await client.runs(file_id)
        busy = await eventually(partial(burning, worker.pid))
        assert isinstance(busy, int)
        start = asyncio.get_running_loop().time()
        assert (await client.http.delete(f"/processing_file/{file_id}/")).status_code == 200
        await eventually(partial(dead, busy))
        took.append(asyncio.get_running_loop().time() - start)
        after = await client.upload(CSV)
        assert (await client.ends(after)).status == Status.OK
        assert (await client.file(file_id)).status == Status.CANCELED
        assert not (programs.settings.media_root / f"processing_files/{file_id}/1").exists()
    print(f"click to dead process: {1000 * max(took):.0f} ms at most")


def dead(pid: int) -> bool:
    return not alive(pid)


async def burning(worker: int) -> int | None:
    """The one child that uses the CPU while the others rest, even if it gets little of it."""
    before = {pid: ticks(pid) for pid in descendants(worker)}
    await asyncio.sleep(0.3)
    used = sorted(((ticks(pid) - ticks_before, pid) for pid, ticks_before in before.items()))
    (most, busy), (second, _) = used[-1], used[-2]
    return busy if most > 2 + 4 * second else None


def ticks(pid: int) -> int:
    """CPU time of a process in clock ticks; 0 if it does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[11])


async def test_one_of_two_workers_is_killed(programs: Programs, client: Client) -> None:
    programs.web()
    doomed = programs.worker()
    file_id = await client.upload(CSV, handler="emulate", seconds=1.5)
    await client.runs(file_id)
    children = descendants(doomed.pid)
    assert len(children) >= 3
    doomed.kill()
    await eventually(lambda: not [pid for pid in children if alive(pid)])
    programs.worker()
    file = await client.ends(file_id)
    assert (file.status, file.attempt, file.failures) == (Status.OK, 2, 1)


async def test_a_worker_that_was_frozen_changes_nothing(programs: Programs, client: Client) -> None:
    programs.web()
    zombie = programs.worker()
    file_id = await client.upload(CSV, handler="emulate", seconds=2)
    await client.runs(file_id)
    zombie.signal(signal.SIGSTOP)
    programs.worker()
    file = await client.ends(file_id)
    assert (file.status, file.attempt) == (Status.OK, 2)
    zombie.signal(signal.SIGCONT)
    await eventually(lambda: "no longer current" in zombie.log or "lease lost" in zombie.log)
    assert await client.file(file_id) == file


async def test_sigterm_hands_running_work_back(programs: Programs, client: Client) -> None:
    programs.web()
    worker = programs.worker(GRACE_SECONDS="0")
    file_id = await client.upload(CSV, handler="emulate", seconds=2)
    await client.runs(file_id)
    assert worker.stop() == 0, worker.log
    waiting = await client.file(file_id)
    assert (waiting.status, waiting.failures) == (Status.WAITING, 0)
    programs.worker()
    file = await client.ends(file_id)
    assert (file.status, file.attempt, file.failures) == (Status.OK, 2, 0)


async def test_sigterm_lets_short_work_finish(programs: Programs, client: Client) -> None:
    programs.web()
    worker = programs.worker(GRACE_SECONDS="20")
    file_id = await client.upload(CSV, handler="emulate", seconds=1)
    await client.runs(file_id)
    assert worker.stop() == 0
    file = await client.file(file_id)
    assert (file.status, file.attempt) == (Status.OK, 1)
    assert not descendants(worker.pid)


async def test_web_stops_at_once_with_streams_open(programs: Programs, client: Client) -> None:
    web = programs.web()
    async with client.http.stream("GET", "/processing_file/listen-updates/") as stream:
        lines = stream.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        web.signal(signal.SIGTERM)
        rest = [line async for line in lines]
    assert [line for line in rest if line.startswith("retry:")]
    assert web.stop() == 0, web.log
    assert "Traceback" not in web.log


async def test_redis_is_wiped_while_jobs_wait_and_run(
    programs: Programs, client: Client, core: Core
) -> None:
    programs.web()
    programs.worker(WORKER_SLOTS="1")
    running = await client.upload(CSV, handler="emulate", seconds=2)
    waiting = [await client.upload(CSV) for _ in range(5)]
    await client.runs(running)
    # Only what is ours: the server is shared with the other tests.
    await core.commands.delete(core.keys.jobs, core.keys.job_entries, core.keys.events)
    for file_id in (running, *waiting):
        file = await client.ends(file_id)
        assert (file.status, file.attempt) == (Status.OK, 1), file.message
    await eventually(lambda: backlog(core))


async def backlog(core: Core) -> bool:
    """Whether nothing is left on the job stream."""
    return await core.commands.xlen(core.keys.jobs) == 0


async def test_a_slow_body_is_stored_as_it_comes(programs: Programs, client: Client) -> None:
    programs.web()
    gate = asyncio.Event()

    async def body() -> object:
        yield (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="slow.csv"\r\n'
            b"Content-Type: text/csv\r\n\r\n"
        )
        yield b"a\n" * 1_000_000
        await gate.wait()
        yield b"b\n\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    sending = asyncio.create_task(
        client.http.post("/processing_file/", content=body(), headers=headers)  # type: ignore[arg-type]
    )
    partials = programs.settings.media_root / "partial"
    await eventually(lambda: sum(p.stat().st_size for p in partials.iterdir()) > 1_000_000)
    gate.set()
    answer = await sending
    assert answer.status_code == 201
    assert not list(partials.iterdir())


async def test_a_client_that_hangs_up_leaves_nothing(programs: Programs, client: Client) -> None:
    programs.web()
    _, writer = await asyncio.open_connection("127.0.0.1", programs.settings.port)
    writer.write(
        b"POST /processing_file/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="gone.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n" + b"a\n" * 400_000
    )
    await writer.drain()
    partials = programs.settings.media_root / "partial"
    await eventually(lambda: list(partials.iterdir()))
    writer.close()
    await eventually(lambda: not list(partials.iterdir()))
    assert (await client.http.get("/")).text.count("gone.csv") == 0


async def test_received_bytes_of_a_chunk_survive_a_dropped_connection(
    programs: Programs, client: Client
) -> None:
    programs.web()
    data = b"a,b\n" + b"1,2\n" * 100_000
    resumable = {"Tus-Resumable": "1.0.0"}
    begun = await client.http.post(
        "/api/v1/uploads",
        headers={
            **resumable,
            "Upload-Length": str(10 * len(data)),
            "Upload-Metadata": f"filename {base64.b64encode(b'cut.csv').decode()}",
        },
    )
    path = begun.headers["Location"]
    for offset in range(0, 5 * len(data), len(data)):
        _, writer = await asyncio.open_connection("127.0.0.1", programs.settings.port)
        writer.write(
            f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data) + 1}\r\n"
            f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n".encode()
            + data
        )
        await writer.drain()
        writer.close()

        async def arrived(expected: int = offset + len(data)) -> bool:
            answer = await client.http.head(path, headers=resumable)
            return int(answer.headers["Upload-Offset"]) == expected

        await eventually(arrived)


@pytest.mark.parametrize("program", ["quart_app", "worker"])
def test_programs_say_what_they_lack(
    programs: Programs, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = programs.start(program, REDIS_URL="", DATABASE_URL="")
    assert started.process.wait(20) == 2
    assert "DATABASE_URL and REDIS_URL not set" in started.log
    assert "Traceback" not in started.log
    assert started.log.startswith("millrace")
