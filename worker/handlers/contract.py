"""The contract between the worker and a handler: its context, its result, its errors."""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

PROGRESS_SECONDS = 0.1


class BadInput(Exception):
    """The handler cannot process the file or an option; the message is for the user.

    The job is not retried: the same bytes would fail the same way.
    """


class Transient(Exception):
    """Something outside the file failed and may work later; the job is retried."""


class DataGone(Exception):
    """The upload was deleted before the handler could read it."""


class NoOptions(BaseModel):
    """The options of a handler without options."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file the handler wrote into ``context.folder``; ``title`` labels its download link."""

    name: str
    title: str
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Result:
    """What a handler returns: ``summary`` is any JSON, the counts are None if unknown."""

    summary: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None
    columns: int | None = None
    artifacts: Sequence[Artifact] = ()


class Context:
    """The file that a handler processes, and where its output goes.

    ``name`` is the file's name as uploaded; ``sha256`` is the digest of its bytes, in hex.
    """

    def __init__(
        self,
        source: str,
        folder: str,
        name: str,
        report: Callable[[float, str], None],
        sha256: str = "",
    ) -> None:
        """Created by the worker; ``report`` receives what :meth:`progress` does not throttle."""
        self.name = name
        self.sha256 = sha256
        self.wrote = False
        self._source = source
        self._folder = folder
        self._report = report
        self._last = float("-inf")
        self._stage = ""

    @property
    def source(self) -> Path:
        """The path of the upload, which is read-only. Raises DataGone if it was deleted."""
        source = Path(self._source)
        if not source.is_file():
            raise DataGone(f"The data of “{self.name}” was deleted.")
        return source

    @property
    def folder(self) -> Path:
        """An empty folder for artifacts and scratch files, and the current directory.

        It is created on first access; files that are not artifacts of the result are deleted.
        """
        if not self.wrote:
            # A killed process may have left files of the same attempt.
            shutil.rmtree(self._folder, ignore_errors=True)
            os.mkdir(self._folder)
            os.chdir(self._folder)
            self.wrote = True
        return Path(self._folder)

    def progress(self, fraction: float, stage: str = "") -> None:
        """Report the fraction done, 0–1, and the stage; cheap enough for an inner loop."""
        now = time.monotonic()
        if now - self._last >= PROGRESS_SECONDS or stage != self._stage:
            self._last, self._stage = now, stage
            self._report(min(1.0, max(0.0, fraction)), stage)


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler, its title and description for the upload form, and the model of its options."""

    title: str
    description: str
    options: type[BaseModel]
    run: Callable[..., Result]

    def __call__(self, context: Context, options: Mapping[str, Any]) -> Result:
        """Validate ``options`` and run. Raises ValidationError or an error of the handler."""
        checked = self.options.model_validate(dict(options))
        return self.run(context) if self.options is NoOptions else self.run(context, checked)


def handler(
    *, title: str, options: type[BaseModel] = NoOptions
) -> Callable[[Callable[..., Result]], Handler]:
    """Turn a function ``(context[, options]) -> Result`` into a handler.

    The first paragraph of its docstring is the handler's description.
    """

    def decorate(function: Callable[..., Result]) -> Handler:
        description = (function.__doc__ or "").strip().split("\n\n")[0]
        return Handler(title, " ".join(description.split()), options, function)

    return decorate
