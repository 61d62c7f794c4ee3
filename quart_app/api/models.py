"""Response models. Sizes in bytes, durations in seconds, progress 0–1, times in UTC."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field
from quart import Response, url_for

from processing.models import Attempt, ProcessingFile
from processing.states import Outcome, Status
from quart_app.http.problems import Problem
from quart_app.uploads.submit import Accepted


class ArtifactOut(BaseModel):
    """An artifact of a file."""

    name: str
    title: str
    media_type: str
    size: int
    sha256: str | None
    url: str


class FileOut(BaseModel):
    """A file and its state."""

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
    due_at: datetime | None = Field(description="When it will be retried, if it will.")
    artifacts: list[ArtifactOut]
    url: str
    original_url: str
    result_url: str

    @classmethod
    def of(cls, file: ProcessingFile, **more: Any) -> Self:
        """Convert a row."""
        fields = {name: getattr(file, name, None) for name in FileOut.model_fields}
        artifacts = [
            {"sha256": None, **item, "url": api_url("artifact", file.id, name=item["name"])}
            for item in file.artifacts
        ]
        fields |= file.usage._asdict() | {
            "rows": file.row_count,
            "columns": file.column_count,
            "artifacts": artifacts,
            "url": api_url("get_file", file.id),
            "original_url": api_url("original", file.id),
            "result_url": api_url("result", file.id),
        }
        return cls.model_validate(fields | more)


def api_url(route: str, file_id: int, **more: Any) -> str:
    """The URL of the API route ``route`` for a file."""
    return url_for(f"api.{route}", file_id=file_id, **more)


class AttemptOut(BaseModel):
    """An earlier attempt."""

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
        """Convert a row."""
        fields = {name: getattr(attempt, name, None) for name in cls.model_fields}
        return cls.model_validate(fields | attempt.usage._asdict())


class FileDetail(FileOut):
    """A file with its earlier attempts."""

    attempts: list[AttemptOut]


class FilePage(BaseModel):
    """A page of files; `next` is the `after` of the next page, null on the last one."""

    files: list[FileOut]
    next: str | None


class Created(BaseModel):
    """A queued file; `same_as` is an earlier one with the same bytes."""

    file: FileOut
    same_as: int | None
    same_as_url: str | None

    @classmethod
    def of(cls, accepted: Accepted) -> Self:
        """Convert an accepted upload."""
        same_as = accepted.same_as
        url = None if same_as is None else api_url("get_file", same_as)
        return cls(file=FileOut.of(accepted.file), same_as=same_as, same_as_url=url)


class CreatedMany(BaseModel):
    """The files of a form that are queued, and why the others were refused."""

    created: list[Created]
    refused: list[Problem]


class UploadOut(BaseModel):
    """A resumable upload."""

    id: str
    name: str
    length: int
    offset: int = Field(description="Bytes received so far.")
    expires_at: datetime
    file_id: int | None = Field(description="The file it became, once complete.")
    url: str


class HandlerOut(BaseModel):
    """A handler; `options` is the JSON Schema of its options."""

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
    waits_for: str | None = Field(description="What free slots are waiting for, if anything.")
    started_at: datetime
    seen_at: datetime
    silent_seconds: float


class Throughput(BaseModel):
    """Files finished in the last `seconds` (at most 60), by status."""

    seconds: float
    ended: dict[str, int]


class Queue(BaseModel):
    """Queue depth, workers and throughput."""

    waiting: int
    running: int
    oldest_seconds: float | None = Field(description="Age of the oldest waiting file.")
    workers: list[WorkerOut]
    throughput: Throughput


class Limits(BaseModel):
    """Upload limits; null means no limit."""

    file_bytes: int
    files_per_request: int
    stored_bytes: int | None
    queued_jobs: int
    uploads_at_once: int
    requests_per_minute: int | None
    slow_upload_seconds: float
    resumable_hours: float
    name_characters: int


def json_response(model: BaseModel, status: int = 200, **headers: str) -> Response:
    """Respond with a model as JSON; ``headers`` with _ for -."""
    response = Response(model.model_dump_json(), status, content_type="application/json")
    response.headers.extend({name.replace("_", "-"): text for name, text in headers.items()})
    return response
