"""Turns every way a job can end into a result with a message for its user."""

import logging
import signal
from typing import Any

from processing.models import Job
from processing.repository import AttemptResult
from processing.states import Outcome, Status
from processing.text import sanitize_text
from worker import retry
from worker.answers import Failure, InvalidAnswer, MalformedResult, Success, TransientFailure
from worker.pool_task import ChildDied, Disconnected, LimitExceeded, TaskResult

logger = logging.getLogger(__name__)

# What multiprocessing reports for a process whose fork server died first.
UNKNOWN_EXIT = 255


def attempt_result(job: Job, result: TaskResult, max_failures: int) -> AttemptResult:
    """Return what to record about the current attempt of ``job``."""
    match result:
        case Success():
            return _succeeded(job, result)
        case MalformedResult(problem=problem):
            return failed(job, f"The handler's result is malformed: {problem}.")
        case Failure():
            return _failed_in_handler(job, result)
        case TransientFailure():
            return _failed_transiently(job, result, max_failures)
        case ChildDied():
            return _died(job, result, max_failures)
        case LimitExceeded():
            return limit_exceeded(job, result)
        case Disconnected():
            return failed(job, "The handler closed its connection to the worker and was stopped.")
        case InvalidAnswer():
            return failed(job, f"The handler's process sent an invalid answer ({result}).")
        case _:
            return failed(job, f"The job could not start: {result}.")


def failed(job: Job, message: str) -> AttemptResult:
    """Return the result of an attempt that failed for a reason other than its input."""
    return _result(job, Status.ERROR, Outcome.FAILED, message)


def limit_exceeded(job: Job, error: LimitExceeded) -> AttemptResult:
    """Return the result of an attempt that exceeded a limit."""
    return _result(job, Status.ERROR, Outcome(error.exceeded), str(error))


def _succeeded(job: Job, answer: Success) -> AttemptResult:
    return AttemptResult(
        id=job.id,
        attempt=job.attempt,
        status=Status.OK,
        outcome=Outcome.SUCCEEDED,
        row_count=answer.rows,
        column_count=answer.columns,
        result=sanitize_text(answer.summary),
        artifacts=[sanitize_text(artifact) for artifact in answer.artifacts],
        usage=answer.usage,
    )


def _failed_in_handler(job: Job, answer: Failure) -> AttemptResult:
    if answer.traceback:
        logger.error("file %d: handler %s failed\n%s", job.id, job.handler, answer.traceback)
    return _result(job, Status.ERROR, answer.outcome, answer.message, usage=answer.usage)


def _failed_transiently(job: Job, answer: TransientFailure, max_failures: int) -> AttemptResult:
    delay = retry.delay(job.failures, max_failures)
    status, message = Status.WAITING, answer.message
    if delay is None:
        status, message = Status.ERROR, _not_retried(job, message)
    return _result(job, status, Outcome.FAILED, message, delay=delay, usage=answer.usage)


def _died(job: Job, death: ChildDied, max_failures: int) -> AttemptResult:
    code = death.exitcode
    if code is not None and 0 <= code != UNKNOWN_EXIT:
        return failed(job, f"The handler's process exited without a result (exit code {code}).")
    number = -code if code is not None and code < 0 else None
    message = "The handler's process ended unexpectedly."
    if number is not None:
        message = f"The handler's process was killed by {_signal_name(number)}."
    if number == signal.SIGKILL:
        message += " The kernel may do this when the machine runs out of memory."
    # A retry may succeed, since the machine may have been at fault.
    delay = retry.delay(job.failures, max_failures)
    if delay is not None:
        return _result(job, Status.WAITING, Outcome.KILLED, message, signal=number, delay=delay)
    message = _not_retried(job, message)
    return _result(job, Status.ERROR, Outcome.KILLED, message, signal=number)


def _not_retried(job: Job, message: str) -> str:
    """Add to the message of the last of several failures why it is final."""
    if not job.failures:
        return message
    stop = "" if message.endswith((".", "!", "?")) else "."
    count = _ordinal(job.failures + 1)
    return f"{message}{stop} It failed for the {count} time, so it is not retried."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"


def _ordinal(number: int) -> str:
    suffixes = {1: "st", 2: "nd", 3: "rd"}
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else suffixes.get(number % 10, 'th')}"


def _result(job: Job, status: Status, outcome: Outcome, message: str, **rest: Any) -> AttemptResult:
    return AttemptResult(
        id=job.id,
        attempt=job.attempt,
        status=status,
        outcome=outcome,
        message=sanitize_text(message),
        **rest,
    )
