"""What the API answers. Sizes in bytes, durations in seconds, progress 0–1, times in UTC."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field
from quart import Response, url_for

from processing.models import Attempt, ProcessingFile
from processing.states import Outcome, Status
from quart_app.http.problems import Problem
from quart_app.uploads.submit import Accepted


class ArtifactOut(BaseModel):
    """A file that a handler made."""

    name: str
    title: str
    media_type: str
    size: int
    sha256: str | None
    url: str


class FileOut(BaseModel):
    """A file and how it stands."""

    id: int
    name: str
    size: int
    sha256: str
    handler: str
    options: dict[str, Any]
    status: Status
    outcome: Outcome | None = Field(description="How the last attempt ended.")
    message: str | None
    stage: str | None
    progress: float | None
    attempt: int
    failures: int
    worker: str | None
    rows: int | None
    columns: int | None
    signal: int | None
    peak_rss: int | None
    cpu_seconds: float | None
    wall_seconds: float | None
    uploaded_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    due_at: datetime | None = Field(description="When it is tried again, if it is.")
    artifacts: list[ArtifactOut]
    url: str
    original_url: str
    result_url: str

    @classmethod
    def of(cls, file: ProcessingFile, **more: Any) -> Self:
        """Describe a row."""
        fields = {name: getattr(file, name, None) for name in FileOut.model_fields}
        artifacts = [
            {"sha256": None, **item, "url": address("artifact", file.id, name=item["name"])}
            for item in file.artifacts
        ]
        fields |= file.usage._asdict() | {
            "rows": file.row_count,
            "columns": file.column_count,
            "artifacts": artifacts,
            "url": address("get_file", file.id),
            "original_url": address("original", file.id),
            "result_url": address("result", file.id),
        }
        return cls.model_validate(fields | more)


def address(route: str, file_id: int, **more: Any) -> str:
    """The address of something of a file."""
    return url_for(f"api.{route}", file_id=file_id, **more)


class AttemptOut(BaseModel):
    """An earlier attempt, that another one followed."""

    attempt: int
    outcome: Outcome
    message: str | None
    worker: str | None
    signal: int | None
    peak_rss: int | None
    cpu_seconds: float | None
    wall_seconds: float | None
    started_at: datetime | None
    finished_at: datetime

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Describe a row."""
        fields = {name: getattr(attempt, name, None) for name in cls.model_fields}
        return cls.model_validate(fields | attempt.usage._asdict())


class FileDetail(FileOut):
    """A file with its earlier attempts."""

    attempts: list[AttemptOut]


class FilePage(BaseModel):
    """Files in order; `next` goes into `after` for the next page, null at the end."""

    files: list[FileOut]
    next: str | None


class Created(BaseModel):
    """A file that is in line; `same_as` is an earlier one with the same bytes."""

    file: FileOut
    same_as: int | None
    same_as_url: str | None

    @classmethod
    def of(cls, accepted: Accepted) -> Self:
        """Describe what was accepted."""
        same_as = accepted.same_as
        url = None if same_as is None else address("get_file", same_as)
        return cls(file=FileOut.of(accepted.file), same_as=same_as, same_as_url=url)


class CreatedMany(BaseModel):
    """The files of a form: what is in line, and why the others are not."""

    created: list[Created]
    refused: list[Problem]


class UploadOut(BaseModel):
    """An upload that may come in pieces."""

    id: str
    name: str
    length: int
    offset: int = Field(description="How many bytes have come.")
    expires_at: datetime
    file_id: int | None = Field(description="The file that it became, once it is whole.")
    url: str


class HandlerOut(BaseModel):
    """What workers can do; `options` is the JSON Schema of its options."""

    name: str
    title: str
    description: str
    options: dict[str, Any]


class Handlers(BaseModel):
    """Every handler that a worker has offered."""

    handlers: list[HandlerOut]


class WorkerOut(BaseModel):
    """A worker at its last heartbeat."""

    name: str
    slots: int
    running: int
    waits_for: str | None = Field(description="Why a free slot starts nothing, if so.")
    started_at: datetime
    seen_at: datetime
    silent_seconds: float


class Throughput(BaseModel):
    """How many files ended, by status, over the last `seconds` (at most a minute)."""

    seconds: float
    ended: dict[str, int]


class Queue(BaseModel):
    """How much there is to do, and who does it."""

    waiting: int
    running: int
    oldest_seconds: float | None = Field(description="How long the oldest waiting file waits.")
    workers: list[WorkerOut]
    throughput: Throughput


class Limits(BaseModel):
    """What an upload may be; null where there is no limit."""

    file_bytes: int
    files_per_request: int
    stored_bytes: int | None
    queued_jobs: int
    uploads_at_once: int
    requests_per_minute: int | None
    slow_upload_seconds: float
    resumable_hours: float
    name_characters: int


def answer(model: BaseModel, status: int = 200, **headers: str) -> Response:
    """Send a model as JSON."""
    response = Response(model.model_dump_json(), status, content_type="application/json")
    response.headers.extend({name.replace("_", "-"): text for name, text in headers.items()})
    return response
