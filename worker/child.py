"""What runs in a child process: take a task, run its handler, send back what became of it."""

import os
import resource
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from worker import frames
from worker.death import die_with_parent
from worker.handlers.contract import BadInput, Context, Result, Transient
from worker.handlers.registry import UnknownHandler, load


def serve(connection: socket.socket, memory_bytes: int) -> None:
    """Run tasks from ``connection`` until the worker closes it."""
    die_with_parent(os.getppid())
    os.setsid()  # a kill of our process group takes along what a handler started
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    os.umask(0o077)
    while (task := frames.receive(connection)) is not None:
        _reset_peak()
        before = _cpu_seconds()
        answer = _perform(task, connection)
        answer |= {"peak_rss": _peak_rss(), "cpu_seconds": _cpu_seconds() - before}
        connection.sendall(_frame(answer))


def _perform(task: dict[str, Any], connection: socket.socket) -> dict[str, Any]:
    def report(fraction: float, stage: str) -> None:
        message = {"type": "progress", "progress": fraction, "stage": stage[:100]}
        connection.sendall(frames.encode(message | {"peak_rss": _peak_rss()}))

    context = Context(Path(task["source"]), Path(task["folder"]), task["name"], report)
    try:
        os.chdir(context.folder)
        result = load(task["handler"])(context, task["options"])
        return _result(result)
    except (BadInput, UnknownHandler) as error:
        return _error("bad input", str(error))
    except ValidationError as error:
        return _error("bad input", _options_message(error))
    except Transient as error:
        return _error("transient", str(error))
    except MemoryError as error:
        return _error("out of memory", str(error) or "The handler ran out of memory.")
    except Exception as error:  # noqa: BLE001
        # One job's life ends here; the text goes to the page, the traceback to the log.
        return _error("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
    except SystemExit as error:
        return _error("failed", f"The handler called sys.exit({error.code!r}).")
    finally:
        os.chdir("/")


def _result(result: object) -> dict[str, Any]:
    if not isinstance(result, Result):
        return _error("failed", f"The handler returned {type(result).__name__}, not a Result.")
    return {
        "type": "result",
        "summary": dict(result.summary),
        "rows": result.rows,
        "columns": result.columns,
        "artifacts": [
            {"name": item.name, "title": item.title, "media_type": item.media_type}
            for item in result.artifacts
        ],
    }


def _error(outcome: str, message: str, trace: str = "") -> dict[str, Any]:
    message = message.strip()[:2000] or outcome
    return {"type": "error", "outcome": outcome, "message": message, "traceback": trace[-20_000:]}


def _options_message(error: ValidationError) -> str:
    problems = (f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
    return f"The options do not fit this handler. {'; '.join(problems)}."


def _frame(answer: dict[str, Any]) -> bytes:
    try:
        return frames.encode(answer)
    except (TypeError, ValueError, RecursionError, frames.FrameTooLarge) as error:
        figures = {name: answer[name] for name in ("peak_rss", "cpu_seconds")}
        return frames.encode(_error("failed", f"The result cannot be sent: {error}.") | figures)


def _cpu_seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _reset_peak() -> None:
    # ru_maxrss is the peak of the process's whole life; writing 5 here starts VmHWM anew
    # (Linux, Documentation/filesystems/proc.rst).
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        print("cannot reset the peak memory; it counts from the child's start", file=sys.stderr)


def _peak_rss() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
