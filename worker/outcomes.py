"""Turns every way a job can end into a state a person can read."""

import logging
import signal
from typing import Any

from processing.models import Job, Usage
from processing.repository import AttemptResult
from processing.states import Outcome, Status
from processing.storage import ARTIFACT_NAME
from processing.text import sanitize_text
from worker import retry
from worker.ticket import BadAnswer, ChildDied, Ending, HungUp, LimitExceeded

logger = logging.getLogger(__name__)

# What multiprocessing says of a process whose fork server died before it could tell.
UNKNOWN_EXIT = 255


def finish(file: Job, ending: Ending, max_failures: int) -> AttemptResult:
    """Return the row's end for what happened to the current attempt of ``file``."""
    match ending:
        case dict():
            try:
                if ending["type"] == "result":
                    return _succeeded(file, ending)
                return _answered_error(file, ending, max_failures)
            except (KeyError, TypeError, ValueError) as error:
                return failed(
                    file, f"The handler's process sent an answer no one can use: {error!r}"
                )
        case ChildDied():
            return _died(file, ending, max_failures)
        case LimitExceeded():
            return _end(file, Status.ERROR, Outcome(ending.exceeded), str(ending))
        case HungUp():
            return failed(file, "The handler closed its connection to the worker and was ended.")
        case BadAnswer():
            return failed(file, f"The handler's process sent an answer no one can use: {ending}.")
        case _:
            return failed(file, f"The job could not start: {ending}")


def failed(file: Job, message: str) -> AttemptResult:
    """The end of an attempt that failed through no fault of the file."""
    return _end(file, Status.ERROR, Outcome.FAILED, message)


def _succeeded(file: Job, answer: dict[str, Any]) -> AttemptResult:
    problem = _malformed(answer)
    if problem:
        return failed(file, f"The handler's result is malformed: {problem}.")
    return AttemptResult(
        id=file.id,
        attempt=file.attempt,
        status=Status.OK,
        outcome=Outcome.SUCCEEDED,
        row_count=answer["rows"],
        column_count=answer["columns"],
        result=sanitize_text(answer["summary"]),
        artifacts=[sanitize_text(artifact) for artifact in answer["artifacts"]],
        usage=_usage(answer),
    )


def _usage(answer: dict[str, Any]) -> Usage:
    return Usage(*(answer[name] for name in Usage._fields))


def _malformed(answer: dict[str, Any]) -> str:
    if not isinstance(answer.get("summary"), dict):
        return "its summary is not an object"
    for name, most in (("rows", 2**63), ("columns", 2**31)):
        count = answer.get(name)
        if count is not None and not (type(count) is int and 0 <= count < most):
            return f"its {name} are {count!r}"
    names = [artifact["name"] for artifact in answer["artifacts"]]
    if len(set(names)) != len(names):
        return "it names an artifact twice"
    for name in names:
        if not (isinstance(name, str) and ARTIFACT_NAME.fullmatch(name)):
            return f"{name!r} is no name for an artifact"
    return ""


def _answered_error(file: Job, answer: dict[str, Any], max_failures: int) -> AttemptResult:
    if answer["traceback"]:
        logger.error("file %d: handler %s failed\n%s", file.id, file.handler, answer["traceback"])
    usage = _usage(answer)
    if answer["outcome"] == "transient":
        delay = retry.delay(file.failures, max_failures)
        status = Status.ERROR if delay is None else Status.WAITING
        return _end(file, status, Outcome.FAILED, answer["message"], delay=delay, usage=usage)
    return _end(file, Status.ERROR, Outcome(answer["outcome"]), answer["message"], usage=usage)


def _died(file: Job, death: ChildDied, max_failures: int) -> AttemptResult:
    code = death.exitcode
    if code is not None and 0 <= code != UNKNOWN_EXIT:
        return failed(file, f"The handler's process ended without a result (exit code {code}).")
    number = -code if code is not None and code < 0 else None
    message = "The handler's process was lost."
    if number is not None:
        message = f"The handler's process was killed by {signal.Signals(number).name}."
    if number == signal.SIGKILL:
        message += " The kernel does this when the machine runs out of memory."
    # It may have been the machine's fault, once or twice.
    delay = retry.delay(file.failures, max_failures)
    if delay is not None:
        return _end(file, Status.WAITING, Outcome.KILLED, message, signal=number, delay=delay)
    if file.failures:
        message += f" That was the {file.failures + 1}. time; it is not tried again."
    return _end(file, Status.ERROR, Outcome.KILLED, message, signal=number)


def _end(file: Job, status: Status, outcome: Outcome, message: str, **rest: Any) -> AttemptResult:
    return AttemptResult(
        id=file.id,
        attempt=file.attempt,
        status=status,
        outcome=outcome,
        message=sanitize_text(message),
        **rest,
    )
