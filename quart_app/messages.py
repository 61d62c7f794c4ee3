"""Texts that people read and that no template holds: confirmations, advice, error pages."""

from processing.states import Outcome

EVENTS_EXPIRED = "Some events are no longer available. This is the current state."
STREAM_RESET = "The event stream was reset. This is the current state."
EVENTS_MISSED = "Some events are no longer available. Reload the list to resynchronise."

PAGE_NOT_FOUND = "Page not found."
UNEXPECTED_ERROR = "Something went wrong on the server. Its log has the details."
SERVER_BUSY = "The server has too many open connections. Try again shortly."
HOST_NOT_ALLOWED = "Host name not allowed. Add it to ALLOWED_HOSTS."
CROSS_SITE_REQUEST = "Requests from another website are not allowed."

# How an unsuccessful attempt is introduced; what it says follows.
OUTCOME_TITLES = {Outcome.BAD_INPUT: "Couldn't read this file"}
ADVICE = {
    Outcome.FAILED: "If this is your own handler, fix it and retry.",
    Outcome.BAD_INPUT: "Fix the file, or choose other options, and upload it again.",
    Outcome.TIMED_OUT: "Raise JOB_SECONDS or upload a smaller file, then retry.",
    Outcome.OUT_OF_CPU_TIME: "Raise JOB_CPU_SECONDS or upload a smaller file, then retry.",
    Outcome.OUT_OF_MEMORY: "Raise JOB_MEMORY_MB or upload a smaller file, then retry.",
    Outcome.TOO_MUCH_OUTPUT: "Raise JOB_OUTPUT_MB or upload a smaller file, then retry.",
    Outcome.KILLED: "Check the worker's log, then retry.",
    Outcome.WORKER_LOST: "Check the workers' logs, then retry.",
    Outcome.CANCELLED: "You can retry it.",
}

# What a bulk action says about the files it changed, and about those it skipped.
_BULK_CHANGED = {
    "cancel": "Cancelled {}.",
    "remove": "Deleted {}.",
    "retry": "Queued {} again.",
}
_BULK_SKIPPED = {
    "cancel": "{} had already finished.",
    "remove": "{} had no results to delete.",
    "retry": "{} could not be retried.",
}


def counted(count: int, noun: str, many: str = "") -> str:
    """``count`` with its noun: "1 row", "5,000 rows"; ``many`` is an irregular plural."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def deleted(name: str) -> str:
    """A file's data is gone."""
    return f"Deleted “{name}”."


def cancelled(name: str) -> str:
    """A file was cancelled."""
    return f"Cancelled “{name}”."


def queued_again(name: str) -> str:
    """A file will be tried again."""
    return f"“{name}” is queued again."


def bulk_result(action: str, changed: int, skipped: int) -> str:
    """How many files a bulk action changed and skipped."""
    text = _BULK_CHANGED[action].format(counted(changed, "file"))
    return f"{text} {_BULK_SKIPPED[action].format(skipped)}" if skipped else text


def unavailable(service: str) -> str:
    """A server does not answer."""
    return f"{service} is unavailable, so nothing was changed. Try again shortly."


def no_file(file_id: int) -> str:
    """There is no file with this id."""
    return f"There is no file {file_id}."


def outcome_title(outcome: str) -> str:
    """How the page introduces an attempt's message."""
    return OUTCOME_TITLES.get(Outcome(outcome)) or capitalized(outcome)


def capitalized(text: str) -> str:
    """``text`` with an upper-case first letter; the others stay ("Out of CPU time")."""
    return text[:1].upper() + text[1:]
