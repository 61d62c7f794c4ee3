"""What runs in a child process: receive a task, run its handler, send the answer."""

import errno
import faulthandler
import hashlib
import os
import resource
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from worker import ipc_protocol
from worker.handlers.contract import BadInput, Context, DataGone, Result, Transient
from worker.handlers.registry import HandlerNotInstalled, load
from worker.limits import Exceeded, Limits
from worker.parent_death import die_with_parent


def serve(tasks: socket.socket, answers: socket.socket, output: int, limits: Limits) -> None:
    """Run tasks until the worker closes the connection; ``output`` receives what is printed."""
    die_with_parent(os.getppid())
    os.setsid()  # killing our process group also kills what a handler started
    _redirect(output)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.output_bytes, limits.output_bytes))
    os.umask(0o077)
    os.chdir("/")
    child = _Child(answers, limits)
    while (task := ipc_protocol.receive_task(tasks)) is not None:
        child.work(task)


def _redirect(output: int) -> None:
    # Handlers print to a file, which the worker truncates when it grows, so they never block.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)
    os.close(output)
    sys.stdout = open(1, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
    faulthandler.enable()


class _Child:
    def __init__(self, answers: socket.socket, limits: Limits) -> None:
        self._answers = answers
        self._limits = limits
        self._pid = os.getpid()
        self._cpu = _cpu_seconds()
        # Writing 5 resets the peak memory of the process (proc(5)).
        self._clear_refs = os.open("/proc/self/clear_refs", os.O_WRONLY)

    def work(self, task: ipc_protocol.Task) -> None:
        """Run one task and answer."""
        os.write(self._clear_refs, b"5")
        started_at = time.perf_counter()
        context = self._context(task)
        answer = self._perform(task, context)
        if os.getpid() != self._pid:
            os._exit(1)  # the handler forked and this is the copy: only the original may answer
        cpu, before = _cpu_seconds(), self._cpu
        self._cpu = cpu
        answer |= {
            "key": task.key,
            "peak_rss": _peak_bytes(),
            "cpu_seconds": round(cpu - before, 6),
            "wall_seconds": round(time.perf_counter() - started_at, 6),
            "wrote": context.wrote,
        }
        self._answers.sendall(_encode(answer))
        if context.wrote:
            os.chdir("/")

    def _context(self, task: ipc_protocol.Task) -> Context:
        def report(fraction: float, stage: str) -> None:
            message = {"type": "progress", "progress": fraction, "stage": stage[:100]}
            self._answers.sendall(ipc_protocol.encode(message))

        return Context(task.source, task.folder, task.name, report, task.sha256)

    def _perform(self, task: ipc_protocol.Task, context: Context) -> dict[str, Any]:
        try:
            return _result(load(task.handler)(context, task.options), Path(task.folder))
        except (BadInput, HandlerNotInstalled) as error:
            return _error("bad input", str(error))
        except ValidationError as error:
            return _error("bad input", _options_message(error))
        except Transient as error:
            message = (
                _shorten(str(error)) or "The handler requested a retry without giving a reason."
            )
            return {"type": "transient", "message": message}
        except DataGone as error:
            return _error("failed", str(error))
        except MemoryError as error:
            message = str(error) or "The handler ran out of memory."
            limit = self._limits.describe(Exceeded.MEMORY)
            return _error(Exceeded.MEMORY, f"{message} {limit}")
        except Exception as error:  # noqa: BLE001
            # The end of one job: the text goes to the page, the traceback to the log.
            if isinstance(error, OSError) and error.errno == errno.EFBIG:
                return _error(Exceeded.OUTPUT, self._limits.describe(Exceeded.OUTPUT))
            return _error("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
        except SystemExit as error:
            return _error("failed", f"The handler called sys.exit({error.code!r}).")


def _result(result: object, folder: Path) -> dict[str, Any]:
    if not isinstance(result, Result):
        return _error("failed", f"The handler returned {type(result).__name__}, not a Result.")
    return {
        "type": "result",
        "summary": dict(result.summary),
        "rows": result.rows,
        "columns": result.columns,
        "artifacts": [
            {
                "name": item.name,
                "title": item.title,
                "media_type": item.media_type,
                "sha256": _digest(folder, item.name),
            }
            for item in result.artifacts
        ],
    }


def _digest(folder: Path, name: str) -> str | None:
    """Return the SHA-256 of an artifact; None if the worker will reject it."""
    path = folder / name
    if "/" in name or path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _error(outcome: str, message: str, trace: str = "") -> dict[str, Any]:
    return {
        "type": "error",
        "outcome": outcome,
        "message": _shorten(message) or outcome,
        "traceback": trace[-20_000:],
    }


def _shorten(message: str) -> str:
    return message.strip()[:2000]


def _options_message(error: ValidationError) -> str:
    problems = []
    for problem in error.errors():
        name = ".".join(map(str, problem["loc"]))
        # pydantic puts "Value error, " before what a validator of ours has raised.
        ours = problem["type"] in ("value_error", "assertion_error")
        message = str(problem["ctx"]["error"] if ours else problem["msg"]).rstrip(".")
        problems.append(f"{name}: {message}" if name else message)
    noun = "option" if len(problems) == 1 else "options"
    return f"Invalid {noun}: {'; '.join(problems)}."


def _encode(answer: dict[str, Any]) -> bytes:
    try:
        return ipc_protocol.encode(answer)
    except (TypeError, ValueError, RecursionError, ipc_protocol.MessageTooLarge) as error:
        kept = ("key", "peak_rss", "cpu_seconds", "wall_seconds", "wrote")
        failure = _error("failed", f"The result cannot be sent to the worker: {error}.")
        return ipc_protocol.encode(failure | {name: answer[name] for name in kept})


def _cpu_seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
