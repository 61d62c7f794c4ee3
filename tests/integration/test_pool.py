"""The pool: what children answer, how they die, what is left of them, and who runs next."""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from processing.async_wait import cancel_and_wait
from processing.states import Outcome
from tests.conftest import eventually
from tests.programs import alive, descendants
from tests.thirdparty import distribution
from worker.admission import Admission
from worker.answers import Answer, Failure, Success
from worker.ipc_protocol import MessageTooLarge, Task
from worker.limits import MIB, Exceeded, Limits
from worker.pool import MAX_SENT, Pool
from worker.pool_task import ChildDied, LimitExceeded, PoolTask, TaskResult, Unqueued
from worker.process import EXIT_SECONDS, Child

HANDLERS = """
import os, time
from pydantic import BaseModel, field_validator, model_validator
from worker.handlers import Artifact, Context, Result, handler

class Options(BaseModel):
    mib: int = 1
    seconds: float = 0.0
    at_once: bool = False

@handler(title="Takes memory", options=Options)
def hungry(context: Context, options: Options) -> Result:
    taken = bytearray(options.mib << 20)
    end = time.process_time() + options.seconds
    while time.process_time() < end:
        pass
    return Result()

class Words(BaseModel):
    first: str = "long"
    second: str = "long"

    @field_validator("first", "second")
    @classmethod
    def is_long(cls, word):
        if len(word) < 4: raise ValueError("Use a longer word.")
        return word

    @model_validator(mode="after")
    def differ(self):
        if self.first == self.second == "same": raise ValueError("Use two different words.")
        return self

@handler(title="Wants words", options=Words)
def picky(context: Context, options: Words) -> Result:
    return Result()

@handler(title="Leaves a mark, then takes its time", options=Options)
def marker(context: Context, options: Options) -> Result:
    (context.folder / "begun").touch()
    time.sleep(options.seconds)
    return Result()

@handler(title="Sleeps")
def sleepy(context: Context) -> Result:
    time.sleep(600)

@handler(title="Writes without end", options=Options)
def writer(context: Context, options: Options) -> Result:
    for number in range(100_000):
        size = (2 << 20) if options.at_once else 1000
        (context.folder / f"{number}").write_bytes(bytes(size))
        time.sleep(0.0005)
    return Result()

@handler(title="Forks")
def forker(context: Context) -> Result:
    os.fork()
    return Result(rows=1)

@handler(title="Prints", options=Options)
def chatty(context: Context, options: Options) -> Result:
    for _ in range(options.mib):
        print("x" * (1 << 20))
    return Result()
"""
LIMITS = Limits(memory_bytes=1024 * MIB, output_bytes=1024 * MIB)


class Submitted(PoolTask):
    """A task whose result can be awaited."""

    def __init__(self, task: Task, on_progress: Callable[[float, str], None]) -> None:
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        super().__init__(task, self._on_result, on_progress)

    def _on_result(self, result: TaskResult) -> None:
        if isinstance(result, Exception):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)

    async def succeeds(self) -> Success:
        answer = await self.answer
        assert isinstance(answer, Success), answer
        return answer

    async def fails(self) -> Failure:
        answer = await self.answer
        assert isinstance(answer, Failure), answer
        return answer


class Bench:
    """A running pool and a folder to work in."""

    def __init__(self, pool: Pool, folder: Path) -> None:
        self.pool = pool
        self.folder = folder
        self._count = 0

    def submit(self, handler: str = "emulate", **options: Any) -> Submitted:
        self._count += 1
        work = str(self.folder / str(self._count))
        source = self.folder / "original"
        source.write_bytes(b"a\n1\n")
        task = Task(f"{self._count}:1", handler, "a.csv", str(source), work, options)
        self.began = asyncio.Event()
        self.seen: list[float] = []

        def progressed(fraction: float, _: str) -> None:
            self.seen.append(fraction)
            self.began.set()

        submitted = Submitted(task, progressed)
        self.pool.submit(submitted)
        return submitted

    async def burn(self) -> Submitted:
        """Submit a task that never ends, and wait until it works."""
        task = self.submit(seconds=600)
        await self.began.wait()
        return task

    def pid_of(self, task: PoolTask) -> int:
        return next(child.pid for child in self.pool.children if task in child.sent)


@pytest.fixture(autouse=True)
def handler_path(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("hungry", "marker", "picky", "sleepy", "writer", "forker", "chatty")
    folder = distribution(tmp_path_factory.mktemp("site"), HANDLERS, {name: name for name in names})
    monkeypatch.syspath_prepend(folder)


@asynccontextmanager
async def running(slots: int, folder: Path, **more: Any) -> AsyncIterator[Bench]:
    pool = Pool(slots, more.pop("limits", LIMITS), **more)
    pool.start()
    watching = asyncio.create_task(pool.watch())
    yield Bench(pool, folder)
    await cancel_and_wait(watching)
    await pool.stop()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(1, tmp_path) as started:
        yield started


@pytest.fixture
async def wide(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(2, tmp_path) as started:
        yield started


async def test_a_child_answers_again_and_again(bench: Bench) -> None:
    for _ in range(5):
        answer = await bench.submit(seconds=0).succeeds()
        assert (answer.usage.peak_rss or 0) > 1_000_000
        assert not answer.wrote
    assert len(bench.pool.children) == 1


async def test_the_usage_is_of_one_task_alone(bench: Bench) -> None:
    large = (await bench.submit("hungry", mib=200, seconds=0.3).succeeds()).usage
    small = (await bench.submit("hungry", mib=1, seconds=0.0).succeeds()).usage
    assert None not in {*large, *small}
    assert large.peak_rss > 200 * MIB > 120 * MIB > small.peak_rss  # type: ignore[operator]
    assert large.cpu_seconds > 0.2 > small.cpu_seconds  # type: ignore[operator]
    assert large.wall_seconds > 0.3 > small.wall_seconds  # type: ignore[operator]


async def test_progress_arrives_while_the_child_works(bench: Bench) -> None:
    await bench.submit(seconds=2).answer
    assert len(bench.seen) > 2
    assert bench.seen == sorted(bench.seen)


@pytest.mark.parametrize(
    ("handler", "options", "outcome", "words"),
    [
        ("emulate", {"seconds": -1}, "bad input", "seconds"),
        ("emulate", {"second": 1}, "bad input", "second"),
        ("nonsense", {}, "bad input", "no handler “nonsense”"),
    ],
)
async def test_what_the_handler_rejects(
    bench: Bench, handler: str, options: Any, outcome: str, words: str
) -> None:
    answer = await bench.submit(handler, **options).fails()
    assert answer.outcome == outcome
    assert words in answer.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": "x"}, "Invalid option: first: Use a longer word."),
        (
            {"first": "x", "second": "y"},
            "Invalid options: first: Use a longer word; second: Use a longer word.",
        ),
        ({"first": "same", "second": "same"}, "Invalid option: Use two different words."),
    ],
)
async def test_what_the_options_model_rejects(bench: Bench, options: Any, message: str) -> None:
    answer = await bench.submit("picky", **options).fails()
    assert (answer.outcome, answer.message) == (Outcome.BAD_INPUT, message)


async def test_a_killed_child_is_dead_at_once_and_its_slot_goes_on(bench: Bench) -> None:
    took = []
    for _ in range(10):
        task = await bench.burn()
        pid = bench.pid_of(task)
        start = time.monotonic()
        bench.pool.kill(task)
        with pytest.raises(ChildDied) as died:
            await task.answer
        took.append(time.monotonic() - start)
        assert died.value.exitcode == -9
        assert task.usage.cpu_seconds is not None
        assert task.usage.peak_rss is not None
        assert not alive(pid)
        await bench.submit(seconds=0).succeeds()
    # Not one by one, since a machine may stall; but no kill waits for anything (EXIT_SECONDS).
    assert statistics.median(took) < EXIT_SECONDS / 2


async def test_a_child_that_dies_by_itself_is_replaced(bench: Bench) -> None:
    task = await bench.burn()
    os.kill(bench.pid_of(task), 11)
    with pytest.raises(ChildDied) as died:
        await task.answer
    assert died.value.exitcode == -11
    await bench.submit(seconds=0).succeeds()


class Deaf:
    """The owner of a child that stands for itself."""

    def answered(self, child: Child, wall_seconds: float) -> None:
        pass

    def lost(self, child: Child, unread: list[PoolTask]) -> None:
        pass


async def test_a_death_that_is_reported_late_is_a_death(tmp_path: Path) -> None:
    child = Child(LIMITS, Deaf())
    began = asyncio.Event()
    (tmp_path / "original").write_bytes(b"a\n")
    paths = str(tmp_path / "original"), str(tmp_path / "1")
    task = Submitted(
        Task("1:1", "emulate", "a.csv", *paths, {"seconds": 600}), lambda *_: began.set()
    )
    child.send(task)
    await began.wait()
    fork_server = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(fork_server, signal.SIGSTOP)
    try:
        os.kill(child.pid, signal.SIGKILL)
        await asyncio.sleep(EXIT_SECONDS + 0.5)  # the time itself is what is tested
        assert not task.answer.done()
    finally:
        os.kill(fork_server, signal.SIGCONT)
    with pytest.raises(ChildDied) as died:
        await task.answer
    assert died.value.exitcode == -9
    await child.close()


async def test_a_child_that_died_while_it_waited_costs_no_job(bench: Bench) -> None:
    (child,) = bench.pool.children
    os.kill(child.pid, 9)
    await eventually(lambda: not alive(child.pid))
    await bench.submit(seconds=0).succeeds()


async def test_quick_tasks_are_sent_ahead_and_come_back_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However busy the machine is, these count as quick.
    monkeypatch.setattr("worker.pool.PREFETCH_SECONDS", 600.0)
    await bench.submit(seconds=0).answer
    tasks = [bench.submit(seconds=0) for _ in range(100)]
    ahead = [len(child.sent) for child in bench.pool.children]
    answers = [await task.answer for task in tasks]
    assert ahead == [MAX_SENT]
    assert [answer.key for answer in answers] == [task.key for task in tasks]


async def test_what_waits_behind_a_long_task_goes_to_another_child(wide: Bench) -> None:
    for _ in range(2):
        await wide.submit(seconds=0).answer
    long = wide.submit(seconds=600)
    quick = [wide.submit(seconds=0) for _ in range(20)]
    for task in quick:  # although half of them were sent to the child that is busy
        await task.succeeds()
    assert not long.answer.done()
    wide.pool.kill(long)
    with pytest.raises(ChildDied):
        await long.answer


async def test_killing_one_of_many_harms_no_other(bench: Bench) -> None:
    await bench.submit(seconds=0).answer
    doomed = bench.submit(seconds=600)
    others = [bench.submit(seconds=0) for _ in range(20)]
    waiting = others[3]
    bench.pool.kill(waiting)  # was sent ahead, has not begun
    with pytest.raises(Unqueued):
        await waiting.answer
    bench.pool.kill(doomed)
    with pytest.raises((ChildDied, Unqueued)):
        await doomed.answer
    for task in others:
        if task is not waiting:
            await task.succeeds()


async def test_a_kill_that_comes_too_late_does_not_hit_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.pool.PREFETCH_SECONDS", 600.0)
    await bench.submit(seconds=0).answer
    first, second = bench.submit(seconds=0), bench.submit("marker", seconds=1)
    # The child goes on to the second while this blocks, so that its first answer is not yet read.
    deadline = time.monotonic() + 30
    while not (Path(second.folder) / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    bench.pool.kill(first)
    await first.succeeds()
    await second.succeeds()  # in another child


async def test_a_crash_harms_none_of_those_sent_ahead(bench: Bench) -> None:
    await bench.submit(seconds=0).answer
    crashing = bench.submit(seconds=600)
    others = [bench.submit(seconds=0) for _ in range(10)]
    os.kill(bench.pid_of(crashing), 11)
    results = await asyncio.gather(
        crashing.answer, *(task.answer for task in others), return_exceptions=True
    )
    failed = [result for result in results if isinstance(result, Exception)]
    assert len(failed) <= 1  # none, if it had not yet begun
    assert all(isinstance(failure, ChildDied) for failure in failed)


async def test_the_window_follows_the_work(wide: Bench) -> None:
    assert wide.pool.window == 2
    # A first task may take long, since its child has to load the handler.
    async with asyncio.timeout(30):
        while wide.pool.window <= 50:
            await wide.submit(seconds=0).answer
    burning = [await wide.burn() for _ in range(2)]
    await eventually(lambda: wide.pool.window == 2)
    for task in burning:
        wide.pool.kill(task)
        with pytest.raises(ChildDied):
            await task.answer


@pytest.mark.parametrize(
    ("limits", "handler", "options", "exceeded", "words"),
    [
        ({"wall_seconds": 0.5}, "sleepy", {}, Exceeded.WALL, "longer than 0.5 s"),
        ({"cpu_seconds": 0.5}, "emulate", {"seconds": 60}, Exceeded.CPU, "0.5 s of CPU time"),
        ({"output_bytes": MIB}, "writer", {}, Exceeded.OUTPUT, "more than 1 MiB"),
    ],
)
async def test_every_limit_ends_the_job_and_is_named(
    tmp_path: Path,
    limits: Any,
    handler: str,
    options: Any,
    exceeded: Exceeded,
    words: str,
) -> None:
    chosen = {"memory_bytes": 1024 * MIB, "output_bytes": 1024 * MIB, **limits}
    async with running(1, tmp_path, limits=Limits(**chosen)) as bench:
        task = bench.submit(handler, **options)
        with pytest.raises(LimitExceeded, match=words) as raised:
            await task.answer
        assert raised.value.exceeded == exceeded
        assert task.usage.wall_seconds is not None
        await bench.submit(seconds=0).succeeds()


async def test_the_child_reports_one_file_over_the_limit(tmp_path: Path) -> None:
    limits = Limits(memory_bytes=1024 * MIB, output_bytes=MIB)
    async with running(1, tmp_path, limits=limits) as bench:
        answer = await bench.submit("writer", at_once=True).fails()
        assert answer.outcome == Outcome.TOO_MUCH_OUTPUT
        assert "1 MiB" in answer.message


async def test_memory_over_the_limit(bench: Bench) -> None:
    answer = await bench.submit("hungry", mib=2000).fails()
    assert answer.outcome == Outcome.OUT_OF_MEMORY
    assert "1,024 MiB (JOB_MEMORY_MB)" in answer.message


async def test_a_slot_works_only_if_there_is_memory_for_it(tmp_path: Path) -> None:
    free = 10_000 * MIB
    admission = Admission(1024 * MIB, lambda: free)
    async with running(2, tmp_path, admission=admission) as bench:
        first = await bench.burn()
        free = 1500 * MIB  # the first one may still take its 1,024
        await eventually(lambda: bench.pool.refusal)
        second = bench.submit(seconds=0)
        assert "1,500 MiB are free" in (bench.pool.refusal or "")
        assert not second.answer.done()
        free = 10_000 * MIB
        await second.succeeds()
        assert bench.pool.refusal is None
        bench.pool.kill(first)
        with pytest.raises(ChildDied):
            await first.answer


async def test_a_handler_that_forks_answers_once(bench: Bench) -> None:
    for _ in range(3):
        assert (await bench.submit("forker").succeeds()).rows == 1
    assert len(bench.pool.children) == 1


async def test_a_gigabyte_of_prints_is_not_kept(bench: Bench) -> None:
    task = bench.submit("chatty", mib=1000)
    most = 0
    while not task.answer.done():
        for child in bench.pool.children:
            most = max(most, child.output.size)
        await asyncio.sleep(0.01)
    await task.succeeds()
    assert most < 500 * MIB
    (child,) = bench.pool.children
    assert child.output.size == 0


async def test_options_too_large_to_send(bench: Bench) -> None:
    with pytest.raises(MessageTooLarge, match="at most 131,072"):
        bench.submit(text="x" * 200_000)


async def test_nothing_is_left_of_a_stopped_pool(tmp_path: Path) -> None:
    def children() -> list[str]:
        lines = descendants(os.getpid()).values()
        return [line for line in lines if "forkserver" in line]

    async with running(3, tmp_path) as bench:
        await bench.submit(seconds=0).answer
        assert len(children()) >= 3

    # The fork server itself stays for the next pool of this process.
    await eventually(lambda: len(children()) <= 1)
