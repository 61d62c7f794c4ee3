"""The contract between the worker and a handler: what it is given, what it gives back."""

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
    """The file (or an option) is not what the handler can work with; the text is for its user.

    Never tried again: the same bytes would fail the same way.
    """


class Transient(Exception):
    """Something outside the file failed and may work later; the job is tried again."""


class DataGone(Exception):
    """The upload was removed from the disk before the handler could read it."""


class NoOptions(BaseModel):
    """Options of a handler that has none."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file the handler wrote into ``context.folder``; ``title`` labels its download link."""

    name: str
    title: str
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Result:
    """What a handler found out: ``summary`` is any JSON, the counts are None where unknown."""

    summary: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None
    columns: int | None = None
    artifacts: Sequence[Artifact] = ()


class Context:
    """What a handler works with.

    ``name`` is the name that the user gave the file, ``sha256`` was taken of its bytes while they
    were uploaded.
    """

    def __init__(
        self,
        source: str,
        folder: str,
        name: str,
        report: Callable[[float, str], None],
        sha256: str = "",
    ) -> None:
        """Made by the worker; ``report`` receives what :meth:`progress` lets through."""
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
        """The upload, to be read only. Raises DataGone if it was removed."""
        source = Path(self._source)
        if not source.is_file():
            raise DataGone(f"The data of “{self.name}” is gone.")
        return source

    @property
    def folder(self) -> Path:
        """An empty folder, made and entered when it is first asked for.

        It is for artifacts and scratch files; what is not an artifact of the result is deleted
        afterwards.
        """
        if not self.wrote:
            # Something may stand there if this attempt began in a process that was killed.
            shutil.rmtree(self._folder, ignore_errors=True)
            os.mkdir(self._folder)
            os.chdir(self._folder)
            self.wrote = True
        return Path(self._folder)

    def progress(self, fraction: float, stage: str = "") -> None:
        """Tell how far the work is, 0–1; cheap enough for an inner loop."""
        now = time.monotonic()
        if now - self._last >= PROGRESS_SECONDS or stage != self._stage:
            self._last, self._stage = now, stage
            self._report(min(1.0, max(0.0, fraction)), stage)


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler with its words for the upload form and the model of its options."""

    title: str
    description: str
    options: type[BaseModel]
    run: Callable[..., Result]

    def __call__(self, context: Context, options: Mapping[str, Any]) -> Result:
        """Check ``options`` and run. Raises pydantic's ValidationError or the handler's errors."""
        checked = self.options.model_validate(dict(options))
        return self.run(context) if self.options is NoOptions else self.run(context, checked)


def handler(
    *, title: str, options: type[BaseModel] = NoOptions
) -> Callable[[Callable[..., Result]], Handler]:
    """Make a function ``(context[, options]) -> Result`` a handler; its docstring describes it."""

    def decorate(function: Callable[..., Result]) -> Handler:
        description = (function.__doc__ or "").strip().split("\n\n")[0]
        return Handler(title, " ".join(description.split()), options, function)

    return decorate
