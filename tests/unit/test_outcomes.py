"""Every way an attempt can end becomes a state with words, figures and, perhaps, another try."""

import signal
from typing import Any

import pytest

from processing.models import Job, Usage
from processing.repository import AttemptResult
from processing.states import Outcome, Status
from worker import outcomes, retry
from worker.frames import FrameTooLarge
from worker.limits import Exceeded
from worker.ticket import BadAnswer, ChildDied, Ending, HungUp, LimitExceeded

MAX_FAILURES = 3
USED: dict[str, Any] = {"peak_rss": 1000, "cpu_seconds": 1.5, "wall_seconds": 2.5}


def ended(ending: Ending, failures: int = 0, max_failures: int = MAX_FAILURES) -> AttemptResult:
    """Return what becomes of the seventh file's fourth attempt."""
    job = Job(
        id=7,
        attempt=4,
        status=Status.PROCESSING,
        outcome=None,
        failures=failures,
        name="a.csv",
        handler="profile",
        options={},
        sha256="",
    )
    result = outcomes.finish(job, ending, max_failures)
    assert (result.id, result.attempt) == (7, 4)
    return result


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "type": "result",
        "rows": 5,
        "columns": 2,
        "summary": {"a": 1},
        "artifacts": [{"name": "clean.parquet", "type": "application/parquet"}],
        **USED,
        **changes,
    }


def error(**changes: Any) -> dict[str, Any]:
    told = {"type": "error", "outcome": "failed", "message": "It broke.", "traceback": ""}
    return {**told, **USED, **changes}


def test_a_result_is_kept_whole() -> None:
    result = ended(answer(summary={"text": "a\0b"}))
    assert (result.status, result.outcome) == (Status.OK, Outcome.SUCCEEDED)
    assert (result.row_count, result.column_count) == (5, 2)
    assert result.result == {"text": "a\N{REPLACEMENT CHARACTER}b"}
    assert result.artifacts == [{"name": "clean.parquet", "type": "application/parquet"}]
    assert result.usage == Usage(**USED)
    assert (result.message, result.delay) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": None, "columns": None},
        {"rows": 0, "columns": 0},
        {"rows": 2**63 - 1, "columns": 2**31 - 1},
        {"artifacts": []},
        {"artifacts": [{"name": "a"}, {"name": "b"}]},
    ],
)
def test_what_a_handler_may_answer(changes: dict[str, Any]) -> None:
    assert ended(answer(**changes)).status == Status.OK


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"summary": None}, "summary"),
        ({"summary": [1]}, "summary"),
        ({"rows": -1}, "rows"),
        ({"rows": 2**63}, "rows"),
        ({"rows": 1.0}, "rows"),
        ({"rows": True}, "rows"),
        ({"columns": -1}, "columns"),
        ({"columns": 2**31}, "columns"),
        ({"columns": "2"}, "columns"),
        ({"artifacts": [{"name": "a"}, {"name": "a"}]}, "twice"),
        ({"artifacts": [{"name": "good"}, {"name": "../bad"}]}, "'../bad'"),
        ({"artifacts": [{"name": 1}]}, "1"),
        ({"artifacts": [{}]}, "name"),
        ({"artifacts": None}, ""),
        ({"type": "other"}, ""),
    ],
)
def test_what_a_handler_may_not_answer(changes: dict[str, Any], words: str) -> None:
    result = ended(answer(**changes))
    assert (result.status, result.outcome) == (Status.ERROR, Outcome.FAILED)
    assert words in (result.message or "")
    assert result.delay is None


@pytest.mark.parametrize("lost", USED)
def test_an_answer_without_its_figures_is_an_error(lost: str) -> None:
    told = answer()
    del told[lost]
    assert ended(told).outcome == Outcome.FAILED


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.BAD_INPUT, Outcome.OUT_OF_MEMORY])
def test_an_error_keeps_its_outcome_and_figures(outcome: Outcome) -> None:
    result = ended(error(outcome=str(outcome), message="Line 3\0."))
    assert (result.status, result.outcome) == (Status.ERROR, outcome)
    assert result.message == "Line 3\N{REPLACEMENT CHARACTER}."
    assert (result.usage, result.delay) == (Usage(**USED), None)


def test_the_traceback_goes_to_the_log_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    result = ended(error(traceback="Traceback: secret"))
    assert result.message == "It broke."
    assert "Traceback: secret" in caplog.text
    assert "file 7" in caplog.text


def test_a_transient_error_is_tried_again_until_it_has_failed_too_often() -> None:
    for failures in range(MAX_FAILURES - 1):
        result = ended(error(outcome="transient"), failures)
        assert (result.status, result.outcome) == (Status.WAITING, Outcome.FAILED)
        assert result.delay is not None
        assert result.delay >= retry.BASE_SECONDS
        assert (result.message, result.usage) == ("It broke.", Usage(**USED))
    last = ended(error(outcome="transient"), MAX_FAILURES - 1)
    assert (last.status, last.outcome, last.delay) == (Status.ERROR, Outcome.FAILED, None)


def test_a_child_that_was_killed_is_tried_again_until_it_has_died_too_often() -> None:
    for failures in range(MAX_FAILURES - 1):
        result = ended(ChildDied(-signal.SIGSEGV), failures)
        assert (result.status, result.outcome) == (Status.WAITING, Outcome.KILLED)
        assert result.delay is not None
        assert result.signal == signal.SIGSEGV
        assert "SIGSEGV" in (result.message or "")
    last = ended(ChildDied(-signal.SIGSEGV), MAX_FAILURES - 1)
    assert (last.status, last.outcome, last.delay) == (Status.ERROR, Outcome.KILLED, None)
    assert last.signal == signal.SIGSEGV
    assert "SIGSEGV" in (last.message or "")
    assert str(MAX_FAILURES) in (last.message or "")


def test_only_a_sigkill_points_at_the_machines_memory() -> None:
    killed = ended(ChildDied(-signal.SIGKILL)).message or ""
    assert "SIGKILL" in killed
    assert "memory" in killed
    for other in (-signal.SIGTERM, None, outcomes.UNKNOWN_EXIT, 0):
        assert "memory" not in (ended(ChildDied(other)).message or "")


@pytest.mark.parametrize("code", [None, outcomes.UNKNOWN_EXIT])
def test_a_child_that_died_nobody_knows_how_is_tried_again(code: int | None) -> None:
    result = ended(ChildDied(code))
    assert (result.status, result.outcome) == (Status.WAITING, Outcome.KILLED)
    assert result.signal is None
    assert result.delay is not None
    last = ended(ChildDied(code), MAX_FAILURES - 1)
    assert (last.status, last.outcome, last.signal) == (Status.ERROR, Outcome.KILLED, None)


@pytest.mark.parametrize("code", [0, 1, 254])
def test_a_child_that_exits_is_the_handlers_fault(code: int) -> None:
    result = ended(ChildDied(code))
    assert (result.status, result.outcome, result.delay) == (Status.ERROR, Outcome.FAILED, None)
    assert f"exit code {code}" in (result.message or "")


@pytest.mark.parametrize("exceeded", list(Exceeded))
def test_a_limit_is_an_outcome_of_its_own(exceeded: Exceeded) -> None:
    result = ended(LimitExceeded(exceeded, "Too much."))
    assert (result.status, result.outcome) == (Status.ERROR, Outcome(exceeded.value))
    assert (result.message, result.delay) == ("Too much.", None)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (HungUp(), "connection"),
        (BadAnswer("not JSON"), "not JSON"),
        (FrameTooLarge("its options are too long"), "its options are too long"),
    ],
)
def test_what_else_can_happen_is_said(ending: Exception, words: str) -> None:
    result = ended(ending)
    assert (result.status, result.outcome) == (Status.ERROR, Outcome.FAILED)
    assert words in (result.message or "")


def test_a_first_failure_that_is_also_the_last_counts_none_before() -> None:
    alone = ended(ChildDied(-signal.SIGSEGV), max_failures=1)
    assert (alone.status, alone.delay) == (Status.ERROR, None)
    assert alone.message == ended(ChildDied(-signal.SIGSEGV)).message
