"""What a child answers: its messages, parsed into typed records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from processing.models import Usage
from processing.states import Outcome
from processing.storage import ARTIFACT_NAME


class InvalidAnswer(Exception):
    """A child sent something that is not a message of the protocol."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the running task is; ``fraction`` 0–1."""

    fraction: float
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The end of the task ``key``; ``wrote`` says whether its handler asked for a folder."""

    key: str
    usage: Usage
    wrote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Success(Answer):
    """The handler returned a result that can be stored; counts are None if unknown."""

    summary: dict[str, Any]
    rows: int | None
    columns: int | None
    artifacts: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedResult(Answer):
    """The handler returned a result that cannot be stored, because of ``problem``."""

    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Answer):
    """The handler raised; ``traceback`` is empty if the error is the file's fault."""

    outcome: Outcome
    message: str
    traceback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransientFailure(Answer):
    """The handler raised Transient: the job can be retried."""

    message: str


def parse(message: dict[str, Any]) -> Progress | Answer:
    """Parse a message of a child. Raises InvalidAnswer."""
    try:
        if message["type"] == "progress":
            return Progress(float(message["progress"]), str(message["stage"]))
        return _answer(message)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidAnswer(f"{type(error).__name__}: {error}") from error


def _answer(message: dict[str, Any]) -> Answer:
    key, wrote = str(message["key"]), bool(message["wrote"])
    usage = Usage(
        int(message["peak_rss"]), float(message["cpu_seconds"]), float(message["wall_seconds"])
    )
    match message["type"]:
        case "result":
            if problem := _problem(message):
                return MalformedResult(key=key, usage=usage, wrote=wrote, problem=problem)
            return Success(
                key=key,
                usage=usage,
                wrote=wrote,
                summary=message["summary"],
                rows=message["rows"],
                columns=message["columns"],
                artifacts=message["artifacts"],
            )
        case "transient":
            text = str(message["message"])
            return TransientFailure(key=key, usage=usage, wrote=wrote, message=text)
        case "error":
            return Failure(
                key=key,
                usage=usage,
                wrote=wrote,
                outcome=Outcome(message["outcome"]),
                message=str(message["message"]),
                traceback=str(message["traceback"]),
            )
    raise ValueError(f"unknown type {message['type']!r}")


def _problem(message: dict[str, Any]) -> str:
    """Say why a result cannot be stored; '' if it can."""
    if not isinstance(message["summary"], dict):
        return "its summary is not an object"
    for name, limit in (("rows", 2**63), ("columns", 2**31)):
        count = message[name]
        if count is not None and not (type(count) is int and 0 <= count < limit):
            return f"its number of {name} is {count!r}"
    names = [artifact["name"] for artifact in message["artifacts"]]
    for name in names:
        if not (isinstance(name, str) and ARTIFACT_NAME.fullmatch(name)):
            return f"{name!r} is not a valid artifact name"
    if len(set(names)) != len(names):
        return "two artifacts have the same name"
    return ""
