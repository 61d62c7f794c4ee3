"""What is recorded, and said, about every way a job can end."""

import pytest

from processing.models import Job, Usage
from processing.states import Outcome, Status
from worker import answers, outcomes
from worker.answers import InvalidAnswer, MalformedResult, Success
from worker.ipc_protocol import MessageTooLarge
from worker.limits import MIB, Exceeded, Limits
from worker.pool_task import ChildDied, Disconnected, LimitExceeded, TaskResult

LIMITS = Limits(memory_bytes=1024 * MIB, output_bytes=5 * MIB, wall_seconds=90, cpu_seconds=0.5)
END = {"key": "7:1", "peak_rss": 1, "cpu_seconds": 0.5, "wall_seconds": 2.0, "wrote": True}
RESULT = END | {"type": "result", "summary": {}, "rows": 3, "columns": 1, "artifacts": []}


def job(failures: int = 0) -> Job:
    return Job(
        id=7,
        attempt=failures + 1,
        status="Processing",
        outcome=None,
        failures=failures,
        name="a.csv",
        handler="profile",
        options={},
        sha256="",
    )


@pytest.mark.parametrize(
    ("result", "outcome", "message"),
    [
        (ChildDied(3), Outcome.FAILED, "exited without a result (exit code 3)."),
        (ChildDied(-11), Outcome.KILLED, "process was killed by SIGSEGV."),
        (ChildDied(-9), Outcome.KILLED, "by SIGKILL. The kernel may do this when the"),
        (ChildDied(-40), Outcome.KILLED, "process was killed by signal 40."),
        (ChildDied(None), Outcome.KILLED, "The handler's process ended unexpectedly."),
        (ChildDied(255), Outcome.KILLED, "The handler's process ended unexpectedly."),
        (Disconnected(), Outcome.FAILED, "closed its connection to the worker and was stopped."),
        (InvalidAnswer("no key"), Outcome.FAILED, "sent an invalid answer (no key)."),
        (MessageTooLarge("too big"), Outcome.FAILED, "The job could not start: too big."),
        (
            LimitExceeded(Exceeded.WALL, LIMITS.describe(Exceeded.WALL)),
            Outcome.TIMED_OUT,
            "The job took longer than 90 s (JOB_SECONDS), so it was stopped.",
        ),
        (
            LimitExceeded(Exceeded.CPU, LIMITS.describe(Exceeded.CPU)),
            Outcome.OUT_OF_CPU_TIME,
            "The job used more than 0.5 s of CPU time (JOB_CPU_SECONDS), so it was stopped.",
        ),
        (
            LimitExceeded(Exceeded.OUTPUT, LIMITS.describe(Exceeded.OUTPUT)),
            Outcome.TOO_MUCH_OUTPUT,
            "The job wrote more than 5 MiB (JOB_OUTPUT_MB), so it was stopped.",
        ),
    ],
)
def test_what_is_said_without_an_answer(result: TaskResult, outcome: Outcome, message: str) -> None:
    recorded = outcomes.attempt_result(job(), result, 1)
    assert (recorded.status, recorded.outcome) == (Status.ERROR, outcome)
    assert message in (recorded.message or "")


@pytest.mark.parametrize(
    ("failures", "ordinal"),
    [(1, "2nd"), (2, "3rd"), (3, "4th"), (10, "11th"), (11, "12th"), (12, "13th"), (20, "21st")],
)
def test_the_last_of_several_deaths_says_so(failures: int, ordinal: str) -> None:
    recorded = outcomes.attempt_result(job(failures), ChildDied(-11), failures + 1)
    assert recorded.status == Status.ERROR
    assert recorded.delay is None
    assert (recorded.message or "").endswith(
        f"It failed for the {ordinal} time, so it is not retried."
    )


def test_a_death_is_retried_until_max_failures() -> None:
    recorded = outcomes.attempt_result(job(1), ChildDied(-11), 3)
    assert (recorded.status, recorded.signal) == (Status.WAITING, 11)
    assert recorded.delay is not None
    assert "not retried" not in (recorded.message or "")


@pytest.mark.parametrize("words", ["Asleep.", "Asleep"])
def test_a_transient_failure_is_retried_until_max_failures(words: str) -> None:
    answer = answers.parse(END | {"type": "transient", "message": words})
    assert isinstance(answer, answers.TransientFailure)
    first = outcomes.attempt_result(job(0), answer, 2)
    last = outcomes.attempt_result(job(1), answer, 2)
    assert (first.status, last.status) == (Status.WAITING, Status.ERROR)
    assert first.delay is not None
    assert first.message == words
    assert last.message == "Asleep. It failed for the 2nd time, so it is not retried."
    assert (last.delay, last.outcome) == (None, Outcome.FAILED)
    assert last.usage == Usage(1, 0.5, 2.0)


def test_an_only_failure_does_not_count_failures() -> None:
    answer = answers.parse(END | {"type": "transient", "message": "Asleep."})
    assert isinstance(answer, answers.TransientFailure)
    recorded = outcomes.attempt_result(job(0), answer, 1)
    assert (recorded.status, recorded.message) == (Status.ERROR, "Asleep.")


def test_a_success_keeps_what_the_handler_returned() -> None:
    answer = answers.parse(RESULT | {"summary": {"x": "a\0b"}})
    assert isinstance(answer, Success)
    recorded = outcomes.attempt_result(job(), answer, 3)
    assert (recorded.status, recorded.row_count, recorded.column_count) == (Status.OK, 3, 1)
    assert recorded.result == {"x": "a\N{REPLACEMENT CHARACTER}b"}
    assert recorded.usage == Usage(1, 0.5, 2.0)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"summary": [1]}, "its summary is not an object"),
        ({"rows": "3"}, "its number of rows is '3'"),
        ({"rows": -1}, "its number of rows is -1"),
        ({"rows": True}, "its number of rows is True"),
        ({"columns": 2**31}, "its number of columns is 2147483648"),
        ({"artifacts": [{"name": "../x"}]}, "'../x' is not a valid artifact name"),
        ({"artifacts": [{"name": "x"}, {"name": "x"}]}, "two artifacts have the same name"),
    ],
)
def test_a_result_that_cannot_be_stored_is_a_failure(
    changed: dict[str, object], problem: str
) -> None:
    answer = answers.parse(RESULT | changed)
    assert isinstance(answer, MalformedResult)
    recorded = outcomes.attempt_result(job(), answer, 3)
    assert (recorded.status, recorded.outcome) == (Status.ERROR, Outcome.FAILED)
    assert recorded.message == f"The handler's result is malformed: {problem}."


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "progress", "progress": "half", "stage": ""},
        RESULT | {"type": "other"},
        RESULT | {"wall_seconds": None},
        {name: value for name, value in RESULT.items() if name != "rows"},
        RESULT | {"artifacts": [{}]},
        END | {"type": "error", "outcome": "nonsense", "message": "", "traceback": ""},
    ],
)
def test_what_is_not_of_the_protocol_is_rejected(message: dict[str, object]) -> None:
    with pytest.raises(InvalidAnswer):
        answers.parse(message)
